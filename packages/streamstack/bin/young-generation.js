/**
 * The size in MB up to which the young generation of a server grows. V8 lets it grow to 64 since Node.js 24, and a collection of all that runs have made meanwhile
 * takes so long that one in a hundred first chunks waits three times as long; with less, streams of many chunks are slower.
 * docs/decisions/2026-11-23-what-collections-keep.md has the figures.
 */
export const youngGeneration = '--max-semi-space-size=16'

/** Commands whose process serves. */
const SERVING = ['dev', 'serve']

/**
 * Goes on as the same process with the young generation of a server, which V8 only takes when it starts. Returns where that is not to be: the command does not
 * serve, the flag is set already, the operating system cannot, or a parent talks to this process over a channel that would be lost.
 *
 * @param {readonly string[]} args without node and script
 */
export function restartForServing(args) {
  const { execArgv, execPath, argv, env } = process
  const known = [...execArgv, ...(env['NODE_OPTIONS'] ?? '').split(' ')]
  if (!SERVING.includes(args[0] ?? '') || known.some((flag) => flag.startsWith('--max-semi-space-size'))) return
  if (typeof process.execve !== 'function' || process.platform === 'win32' || process.channel !== undefined) return
  process.execve(execPath, [execPath, youngGeneration, ...execArgv, ...argv.slice(1)], env)
}
