import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('streamstack.ts', import.meta.url))
/** Compiled once, it starts three times as fast. */
const compiled = join(import.meta.dirname, '../../node_modules/.cache/node-compile')

/** `streamstack serve` in a process of its own, that can be ended as machines end one. */
export interface ServerProcess extends AsyncDisposable {
  readonly url: string
  /** Sends a signal and waits for the end: the exit code, or null when the signal was the end. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** Serves a workspace folder on a free port. Rejects with what it printed when it does not come up. */
export async function serverProcess(dir: string): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['--conditions=streamstack-source', program, 'serve', dir, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', NODE_COMPILE_CACHE: compiled },
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  const url = await welcomeOf(child)
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null) child.kill(signal)
    return ended
  }
  return {
    url,
    end,
    async [Symbol.asyncDispose]() {
      await end('SIGKILL')
    },
  }
}

/** The address in its welcome. */
function welcomeOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    const collect = (text: string): void => {
      output += text
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0]
      if (url !== undefined && output.includes('Ctrl-C')) resolve(url)
    }
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', collect)
    child.once('close', () => reject(new Error(`The server did not come up: ${output}`)))
  })
}
