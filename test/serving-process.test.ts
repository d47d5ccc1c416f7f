import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'

const PROGRAM = join(import.meta.dirname, '../packages/streamstack/bin/streamstack.js')
const HELLO = `
endpoint_settings: { method: GET, path: /hello }
function_stack: [{ function: Streaming API Response, content: Hello }]
`
const FLAG = '--max-semi-space-size'

/** Serves a workspace until the callback is done, and gives the code by which the process ended on SIGTERM. */
async function serving(
  { env = {}, stdio = 'pipe' }: { env?: Record<string, string>; stdio?: StdioOptions },
  look: (child: ChildProcess) => void,
): Promise<number | null> {
  await using workspace = await tempWorkspace({ 'endpoints/hello.yaml': HELLO })
  const child = spawn(process.execPath, [PROGRAM, 'serve', workspace.dir, '--port', '0'], {
    env: { ...process.env, ...env },
    stdio,
  })
  const ended = once(child, 'exit') as Promise<[number | null]>
  try {
    await new Promise<void>((resolve, reject) => {
      let output = ''
      const collect = (text: string): void => {
        output += text
        if (output.includes('Ctrl-C')) resolve()
      }
      for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', collect)
      child.once('exit', () => reject(new Error(`The server did not come up: ${output}`)))
    })
    look(child)
  } finally {
    child.kill('SIGTERM')
  }
  return (await ended)[0]
}

/** Words by which the process of a child runs now. */
function wordsOf({ pid }: ChildProcess): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
}

describe.skipIf(process.platform !== 'linux')('the process of a server', () => {
  test('goes on as the same one with a young generation of its size, and ends on SIGTERM', async () => {
    const code = await serving({}, (child) => expect(wordsOf(child)).toContain(`${FLAG}=16`))
    expect(code).toBe(0)
  })

  test.each<[string, Parameters<typeof serving>[0]]>([
    ['with the size that the operator chose', { env: { NODE_OPTIONS: `${FLAG}=4` } }],
    ['with a parent that talks to it over a channel', { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }],
  ])('stays as it was started: %s', async (_, options) => {
    const code = await serving(options, (child) => {
      expect(wordsOf(child).some((word) => word.startsWith(FLAG))).toBe(false)
      if (child.channel != null) expect(child.connected).toBe(true)
    })
    expect(code).toBe(0)
  })
})
