import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { ownPort } from '../own-port.ts'

const program = join(import.meta.dirname, '../streamstack.ts')
/** Compiled once, it starts three times as fast. */
const compiled = join(import.meta.dirname, '../../../node_modules/.cache/node-compile')

/** How long a start may take, recovery and all. */
const START_MS_MAX = 120_000

/** How long a stop in good order may take. */
const STOP_MS_MAX = 60_000

/** `streamstack serve` at an address that stays the same however often the process dies. */
export class KillableServer {
  readonly url: string
  readonly #dir: string
  readonly #port: number
  #child: ChildProcess | null = null
  #output = ''

  private constructor(dir: string, port: number) {
    this.#dir = dir
    this.#port = port
    this.url = `http://127.0.0.1:${port}`
  }

  static async at(dir: string): Promise<KillableServer> {
    return new KillableServer(dir, await ownPort())
  }

  /** Starts the process; it is not ready yet. */
  spawn(): void {
    const args = ['--conditions=streamstack-source', program, 'serve', this.#dir, '--port', String(this.#port)]
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', NODE_COMPILE_CACHE: compiled },
    })
    this.#child = child
    this.#output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
      })
    }
  }

  /** Settles when it serves. Rejects with what it printed when it ended instead. */
  async ready(): Promise<void> {
    const untilMs = performance.now() + START_MS_MAX
    while (!this.#output.includes('Ctrl-C')) {
      if (this.#child?.exitCode !== null || performance.now() > untilMs) {
        throw new Error(`The server did not start: ${this.#output}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Sends a signal and waits for the end: the exit code, null when the signal was the end. Rejects when it does not end. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#child
    if (child === null) return null
    const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    const code = await ended
    clearTimeout(timer)
    if (signal === 'SIGTERM' && code !== 0) throw new Error(`SIGTERM ended with ${code}: ${this.#output}`)
    return code
  }
}
