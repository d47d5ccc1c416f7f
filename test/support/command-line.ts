import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { main } from 'streamstack/command'

/** A command line in a folder of its own. */
export interface CommandLine extends Disposable {
  /** The working folder. */
  readonly cwd: string
  write(files: Readonly<Record<string, string>>): void
  run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }>
  /** Starts a command that goes on until `stop`. */
  start(...args: readonly string[]): RunningCommand
}

export interface RunningCommand {
  /** What stdout has so far, once it matches. Rejects when the command ends before. */
  until(pattern: RegExp): Promise<string>
  /** Does what Ctrl-C does; gives the exit code. */
  stop(): Promise<{ code: number; out: string; err: string }>
}

export function commandLine(env: Readonly<Record<string, string>> = {}): CommandLine {
  const cwd = mkdtempSync(join(tmpdir(), 'streamstack-command-'))
  const start = (args: readonly string[]) => {
    const stdout = new Collected()
    const stderr = new Collected()
    const controller = new AbortController()
    let code = 0
    const io = {
      stdout,
      stderr,
      env,
      cwd,
      signal: controller.signal,
      program: 'npx streamstack',
      setExitCode: (given: number) => (code = given),
      exit: (given: number) => {
        throw new Error(`The command did not end by itself, and would now with ${given}.`)
      },
    }
    const ended = main(args, io).then(() => ({ code, out: stdout.text, err: stderr.text }))
    return { stdout, controller, ended }
  }
  return {
    cwd,
    write(files) {
      for (const [file, text] of Object.entries(files)) {
        mkdirSync(dirname(join(cwd, file)), { recursive: true })
        writeFileSync(join(cwd, file), text)
      }
    },
    run: (...args) => start(args).ended,
    start(...args) {
      const { stdout, controller, ended } = start(args)
      return {
        until: (pattern) =>
          Promise.race([
            stdout.until(pattern),
            ended.then(({ out, err }) =>
              Promise.reject(new Error(`The command ended before ${pattern}:\n${out}\n${err}`)),
            ),
          ]),
        stop() {
          controller.abort()
          return ended
        },
      }
    },
    [Symbol.dispose]: () => rmSync(cwd, { recursive: true, force: true }),
  }
}

class Collected extends Writable {
  text = ''
  #waiting: (() => void)[] = []

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    for (const look of this.#waiting.splice(0)) look()
    done()
  }

  until(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (pattern.test(this.text)) resolve(this.text)
        else this.#waiting.push(look)
      }
      look()
    })
  }
}
