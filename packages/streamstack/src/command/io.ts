import type { Writable } from 'node:stream'
import { type Colors, newColors } from './colors.ts'
import { programWords } from './program-words.ts'

/** A place to write to; a terminal says so and how wide it is. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number }

export type { Colors } from './colors.ts'

/** Everything of the outside that commands touch. */
export interface CommandIo {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute; relative paths of the user start here. */
  readonly cwd: string
  /** Fires when the user or the system wants the command to end. Asking for it is what takes the default, dying at once, away. */
  readonly signal: AbortSignal
  /** How a user starts this program again: `npx streamstack`. */
  readonly program: string
  /** Ends the process now, whatever is still open. */
  exit(code: number): void
  setExitCode(code: number): void
}

/** Why a command is to end: by Ctrl-C (SIGINT), at once; by SIGTERM, in good order. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
  readonly by: 'SIGINT' | 'SIGTERM'

  constructor(by: 'SIGINT' | 'SIGTERM') {
    super(`Stopped by ${by}.`)
    this.by = by
  }
}

/** The process's own: Ctrl-C and SIGTERM fire the signal, a second one kills. */
export function processIo(): CommandIo {
  // For as long as the process lives: the error of the last write comes after the command has ended.
  for (const output of [process.stdout, process.stderr]) output.on('error', ignoreBrokenPipe)
  let controller: AbortController | null = null
  const onSignal = (by: 'SIGINT' | 'SIGTERM'): void => {
    // As a shell counts: 128 and the number of the signal.
    if (controller?.signal.aborted === true) process.exit(by === 'SIGINT' ? 130 : 143)
    controller?.abort(new Stopped(by))
  }
  const cwd = process.cwd()
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd,
    program: programWords({ script: process.argv[1] ?? '', node: process.execPath, cwd, env: process.env }),
    get signal() {
      if (controller === null) {
        controller = new AbortController()
        process.on('SIGINT', () => onSignal('SIGINT'))
        process.on('SIGTERM', () => onSignal('SIGTERM'))
      }
      return controller.signal
    },
    exit(code) {
      process.exit(code)
    },
    setExitCode(code) {
      process.exitCode = code
    },
  }
}

/** A pipe whose reader left (`| head`) is no error of ours; commands that go on writing watch for it themselves. */
function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

/** Colours for a terminal, none for a file or a pipe; NO_COLOR and FORCE_COLOR decide otherwise (no-color.org, force-color.org). */
export function colorsOf(output: Output, env: CommandIo['env']): Colors {
  const wanted = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0'
  const refused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return newColors(wanted || (output.isTTY === true && !refused))
}
