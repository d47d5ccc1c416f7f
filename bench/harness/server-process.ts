import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A contender that runs in its own process. */
export interface ServerProcess {
  readonly name: string
  readonly port: number
  /** Resident memory in bytes. `settled`: after garbage collections. */
  memory(settled: boolean): Promise<number>
  /** What the main thread's heap and buffers hold after garbage collections, in bytes. */
  usedMemory(): Promise<number>
  /** The largest resident memory since the last time it was asked for, in bytes, sampled every 20 ms. */
  peakMemory(): Promise<number>
  /** Processor time used so far, user and system, all threads, in milliseconds. */
  cpuMs(): Promise<number>
  stop(): Promise<void>
}

/** What a contender's module exports. */
export interface ContenderModule {
  /** Listens on 127.0.0.1, port 0, and gives the port. */
  start(options: string): Promise<number>
}

export type HostMessage = { kind: 'port'; port: number } | { kind: 'number'; value: number }
export type HostRequest =
  | { kind: 'memory'; settled: boolean }
  | { kind: 'used' }
  | { kind: 'peak' }
  | { kind: 'cpu' }
  | { kind: 'stop' }

let host = fileURLToPath(new URL('host.ts', import.meta.url))

/** From now on servers are those of the clone in this folder. */
export function serversFrom(clone: string): void {
  host = join(clone, 'bench/harness/host.ts')
}

/** Of stderr, for the message that a server has ended. */
const LAST_CHARACTERS = 2_000

const running = new Set<ChildProcess>()
let started = 0
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))

/**
 * Starts `contenders/<name>.ts` in a process of its own. With the environment's BENCH_PROFILE set to a folder, each process writes a CPU profile
 * of each of its threads to a folder of its own there when it stops.
 */
export async function startServer(
  name: string,
  options: unknown = null,
  { heapMegabytes = null }: { heapMegabytes?: number | null } = {},
): Promise<ServerProcess> {
  const profile = process.env['BENCH_PROFILE']
  const child = fork(host, [name, JSON.stringify(options)], {
    execArgv: [
      '--conditions=streamstack-source',
      '--expose-gc',
      ...(heapMegabytes === null ? [] : [`--max-old-space-size=${heapMegabytes}`]),
      ...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profile, `${name}-${++started}`)}`]),
    ],
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const ended = endOf(child, name)
  // Pending requests get the error.
  ended.catch(() => undefined)
  const ask = async (request: HostRequest | null): Promise<HostMessage> => {
    // The channel of a process that ends closes before its exit is known.
    if (!child.connected) return ended
    const answer = once(child, 'message') as Promise<[HostMessage]>
    if (request !== null) child.send(request, () => undefined)
    return (await Promise.race([answer, ended]))[0]
  }
  const number = async (request: HostRequest): Promise<number> => {
    const answer = await ask(request)
    return answer.kind === 'number' ? answer.value : 0
  }
  const ready = await ask(null)
  return {
    name,
    port: ready.kind === 'port' ? ready.port : 0,
    memory: (settled) => number({ kind: 'memory', settled }),
    usedMemory: () => number({ kind: 'used' }),
    peakMemory: () => number({ kind: 'peak' }),
    cpuMs: () => number({ kind: 'cpu' }),
    async stop() {
      // One that has died already.
      if (!child.connected) return
      const exit = once(child, 'exit')
      child.send({ kind: 'stop' } satisfies HostRequest)
      await exit
    },
  }
}

/** Rejects when the process has ended, with its exit code and the last lines that it wrote to stderr, which are passed on. */
async function endOf(child: ChildProcess, name: string): Promise<never> {
  let last = ''
  child.stderr?.on('data', (data: Buffer) => {
    process.stderr.write(data)
    last = (last + data.toString()).slice(-LAST_CHARACTERS)
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  const lines = last.trim() === '' ? 'It wrote nothing to stderr.' : `The last that it wrote:\n${last.trim()}`
  throw new Error(`The server '${name}' ended ${signal === null ? `with code ${code}` : `by ${signal}`}. ${lines}`)
}
