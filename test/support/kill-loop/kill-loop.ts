import { setTimeout as sleep } from 'node:timers/promises'
import { type RunStream, StreamError, createClient } from '@streamstack/client'
import { tempWorkspace } from '../temp-workspace.ts'
import { KillableServer } from './killable-server.ts'
import { rawRead } from './raw-reader.ts'
import { runKindFiles, runKinds } from './run-kinds.ts'
import { WatchedRun } from './watched-run.ts'

/** Runs that go on at any time. */
const LANES = 20

/** Runs that are over and are to be read again, a restart or more later. */
const READ_AGAIN_MAX = 200

export interface KillLoopOptions {
  /** How often the server is ended. */
  rounds: number
  /** The same seed makes the same choices; when they take effect is up to the machine. */
  seed: number
  onRound?: (round: number, report: KillReport) => void
}

export interface KillReport {
  /** How often the server was ended, and how. */
  readonly kills: number
  /** Of the kills: before it was up again after the one before. */
  readonly killsWhileStarting: number
  readonly terms: number
  /** Runs by outcome. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Runs that were read again later. */
  readonly readAgain: number
  /** Chunks that readers got, each held against what it must be. */
  readonly chunks: number
  /** Connections that broke and were taken up again by plain readers. */
  readonly reconnections: number
  /** Everything that was lost, doubled, out of order, falsely ended or hung. */
  readonly faults: readonly string[]
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Ends a server again and again, mostly with kill -9, while durable runs stream to readers that come back: by the SDK and by plain HTTP. Whatever any reader has
 * seen is held against what the run must send, and against what every other reader sees of it, also long after.
 */
export async function killLoop({ rounds, seed, onRound }: KillLoopOptions): Promise<KillReport> {
  await using workspace = await tempWorkspace(runKindFiles())
  const server = await KillableServer.at(workspace.dir)
  const loop = new KillLoop(server, seed)
  server.spawn()
  try {
    await server.ready()
    const lanes = Array.from({ length: LANES }, async (_, lane) => loop.lane(lane))
    for (let round = 1; round <= rounds; round++) {
      await loop.round()
      onRound?.(round, loop.report)
    }
    loop.isOver = true
    await Promise.all(lanes)
    await loop.readAllAgain()
  } finally {
    await server.end('SIGKILL')
  }
  return loop.report
}

class KillLoop {
  isOver = false
  readonly report = {
    kills: 0,
    killsWhileStarting: 0,
    terms: 0,
    outcomes: {} as Record<string, number>,
    readAgain: 0,
    chunks: 0,
    reconnections: 0,
    faults: [] as string[],
  }
  readonly #server: KillableServer
  readonly #seed: number
  readonly #random: () => number
  readonly #client
  /** Oldest first. */
  readonly #ended: WatchedRun[] = []

  constructor(server: KillableServer, seed: number) {
    this.#server = server
    this.#seed = seed
    this.#random = randomFrom(seed)
    this.#client = createClient({
      url: server.url,
      retry: { attempts: 10_000, delayMs: 20, delayMsMax: 100 },
    })
  }

  /** Ends the server at some moment, and starts it again; sometimes it does not even get that far. */
  async round(): Promise<void> {
    const random = this.#random
    const kind = random()
    // Long enough now and then for runs to come to their end.
    await sleep(random() < 0.3 ? 800 + random() * 1_500 : random() * 800)
    if (kind < 0.1) {
      // Counted first: readers hear of it before it is over.
      this.report.terms += 1
      await this.#server.end('SIGTERM')
    } else {
      this.report.kills += 1
      await this.#server.end('SIGKILL')
    }
    this.#server.spawn()
    if (kind > 0.75) {
      // While it mends what the last one left, in all likelihood.
      await sleep(100 + random() * 500)
      await this.#server.end('SIGKILL')
      this.report.kills += 1
      this.report.killsWhileStarting += 1
      this.#server.spawn()
    }
    await this.#server.ready()
  }

  /** Starts one run after the other and reads each to its end. */
  async lane(lane: number): Promise<void> {
    const random = randomFrom(this.#seed + lane)
    const kind = runKinds[lane % runKinds.length]
    for (let turn = 0; !this.isOver && kind !== undefined; turn++) {
      const run = new WatchedRun(kind, `${this.#seed}-${lane}-${turn}`, (text) => this.report.faults.push(text))
      const stream = this.#client.call(
        `POST /${kind.name}`,
        { id: run.id },
        { idempotencyKey: run.id, format: turn % 2 === 0 ? 'ndjson' : 'sse' },
      )
      const others: Promise<void>[] = []
      stream.on('status', ({ status }) => {
        run.url = stream.url
        if (status === 'open' && others.length === 0) others.push(this.#readBeside(run, random))
      })
      await this.#readBySdk(run, stream)
      await Promise.all(others)
      await this.#over(run, random)
    }
  }

  async readAllAgain(): Promise<void> {
    for (const run of this.#ended.splice(0)) await this.#again(run, randomFrom(this.#seed))
  }

  async #readBySdk(run: WatchedRun, stream: RunStream): Promise<void> {
    let position = 0
    try {
      for await (const { offset, content, metadata } of stream)
        position = run.saw(position, { offset, content, metadata })
      run.ended(position, { outcome: 'completed', offset: stream.offset }, this.#mayBe())
    } catch (error) {
      if (!(error instanceof StreamError) || error.outcome === null) run.failed(`the SDK gave up: ${String(error)}`)
      else run.ended(position, { outcome: error.outcome, offset: stream.offset }, this.#mayBe())
    }
  }

  async #readBeside(run: WatchedRun, random: () => number): Promise<void> {
    this.report.reconnections += await rawRead({
      base: this.#server.url,
      run,
      after: 0,
      random,
      mayBe: () => this.#mayBe(),
    })
  }

  /** Outcomes that what was done so far allows. */
  #mayBe(): readonly string[] {
    const { kills, terms } = this.report
    return ['completed', ...(kills > 0 ? ['abandoned'] : []), ...(terms > 0 ? ['cancelled', 'abandoned'] : [])]
  }

  async #over(run: WatchedRun, random: () => number): Promise<void> {
    const { outcomes } = this.report
    const outcome = run.end?.outcome ?? 'none'
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    this.report.chunks += run.chunksSeen
    this.#ended.push(run)
    const oldest = this.#ended.length > READ_AGAIN_MAX ? this.#ended.shift() : undefined
    if (oldest !== undefined) await this.#again(oldest, random)
  }

  async #again(run: WatchedRun, random: () => number): Promise<void> {
    if (run.url === null || run.end === null) return
    const before = run.chunksSeen
    const after = random() < 0.5 ? 0 : Math.floor(random() * run.end.offset)
    await rawRead({ base: this.#server.url, run, after, random: () => 1, mayBe: () => this.#mayBe() })
    this.report.readAgain += 1
    this.report.chunks += run.chunksSeen - before
  }
}
