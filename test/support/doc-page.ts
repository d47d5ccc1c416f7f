import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const repository = dirname(dirname(import.meta.dirname))

/** Where documented addresses point to. */
const DOCUMENTED_URL = 'http://127.0.0.1:8080'

export interface Printed {
  readonly output: string
  readonly exitCode: number | null
}

/**
 * The machine of a reader who follows one page: an empty folder in which `npx streamstack`, `npm start` and `node` do what they would. The folder is in
 * the repository, so that `import 'streamstack'` finds the package.
 */
export class DocPage {
  readonly dir: string
  readonly #servers: ChildProcess[] = []
  #url: string | null = null

  private constructor(dir: string) {
    this.dir = dir
  }

  static async open(): Promise<DocPage> {
    const parent = join(repository, 'node_modules/.cache')
    await mkdir(parent, { recursive: true })
    const page = new DocPage(await mkdtemp(join(parent, 'docs-')))
    const streamstack = `exec "${process.execPath}" "${join(page.dir, '.bin/streamstack.mjs')}"`
    await page.write(
      '.bin/streamstack.mjs',
      `const { main } = await import('streamstack/command')\nawait main(process.argv.slice(2))\n`,
    )
    await page.#program(
      'npx',
      `[ "$1" = streamstack ] || { echo "npx $1 is not what the docs are about" >&2; exit 1; }\nshift\n${streamstack} "$@"`,
    )
    await page.#program(
      'npm',
      `case "$1" in start) shift; [ "$1" = -- ] && shift; ${streamstack} dev "${join(repository, 'examples')}" --data "${join(page.dir, '.data')}" "$@" ;; install) ;; *) exit 1 ;; esac`,
    )
    // A terminal shows no progress meter between the lines either.
    await page.write('.bin/.curlrc', 'silent\nshow-error\n')
    return page
  }

  async #program(name: string, script: string): Promise<void> {
    await this.write(`.bin/${name}`, `#!/bin/sh\n${script}\n`)
    await chmod(join(this.dir, '.bin', name), 0o755)
  }

  async write(file: string, text: string): Promise<void> {
    const path = join(this.dir, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }

  /** Whether commands can call the address that the docs name. */
  get isServing(): boolean {
    return this.#url !== null
  }

  /** Runs commands to their end. */
  async run(commands: string): Promise<Printed> {
    const child = this.#spawn(commands.replaceAll(DOCUMENTED_URL, this.#url ?? DOCUMENTED_URL))
    const output = collect(child)
    const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve))
    return { output: output(), exitCode }
  }

  /** Starts a command that serves; gives what it printed until it had said all of its welcome. */
  async serve(command: string): Promise<Printed> {
    const child = this.#spawn(`exec ${command.trim().replace(/^npm start$/, 'npm start --')} --port 0`)
    this.#servers.push(child)
    const output = collect(child)
    while (!/^\S.*Ctrl-C stops/m.test(output())) {
      if (child.exitCode !== null) throw new Error(`${command} ended: ${output()}`)
      await sleep(20)
    }
    this.#url = /http:\/\/127\.0\.0\.1:\d+/.exec(output())?.[0] ?? null
    return { output: output(), exitCode: null }
  }

  #spawn(script: string): ChildProcess {
    return spawn('bash', ['-c', `set -eo pipefail\n${script}`], {
      cwd: this.dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: `${join(this.dir, '.bin')}:${dirname(process.execPath)}:${process.env['PATH']}`,
        NODE_OPTIONS: '--conditions=streamstack-source',
        // Each command is a process that loads the whole server: compiled once, it starts three times as fast.
        NODE_COMPILE_CACHE: join(repository, 'node_modules/.cache/node-compile'),
        NO_COLOR: '1',
        CURL_HOME: join(this.dir, '.bin'),
      },
    })
  }

  /** Stops what was started and removes the folder. */
  async close(): Promise<void> {
    for (const child of this.#servers) {
      if (child.exitCode !== null) continue
      const closed = new Promise((resolve) => child.once('close', resolve))
      child.kill('SIGTERM')
      await closed
    }
    await rm(this.dir, { recursive: true, force: true })
  }
}

function collect(child: ChildProcess): () => string {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return () => output
}
