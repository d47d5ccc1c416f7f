import type { Outcome } from '@streamstack/protocol'
import { ActiveUsers } from './active-users.ts'
import { BucketHistogram } from './bucket-histogram.ts'
import { ChannelCounts } from './channel-counts.ts'
import { EndpointCounts } from './endpoint-counts.ts'
import { errorLabel } from './error-label.ts'
import { LimitCounts } from './limit-counts.ts'
import { ModelCounts, type ModelUsage } from './model-counts.ts'
import { SlidingHistogram } from './sliding-histogram.ts'
import { SlidingCount, SlidingWindow } from './sliding-window.ts'
import { SocketCounts } from './socket-counts.ts'

/** More endpoints than this are counted together, under one name. */
const ENDPOINTS_MAX = 200

/** No endpoint can have this name: a name is a path of a file below `endpoints/`. */
const OTHER_ENDPOINTS = '/other'

const CHUNK_BOUNDS_MS = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 30_000]

/** Whose stream is read: that of runs of an endpoint, by name, or of channels, by the name in their declaration. */
export type ReadName = string | { readonly channel: string }

/** What an audit counts of itself. */
export interface AuditNumbers {
  readonly entries: number
  readonly lost: number
  /** Entries that are not on disk yet. */
  readonly waiting: number
  readonly isFailing: boolean
  /** Heads that could not be sent to the webhook. */
  readonly headFailures: number
}

/**
 * What a server counts. Recording is on the way of every chunk, so it allocates nothing and waits for nothing. Times are milliseconds on the
 * monotonic clock, as `performance.now()` gives them; callers have read it already.
 */
export class Metrics {
  /** Calls of endpoints, and of paths where there is none. */
  readonly requests: SlidingCount
  /** Those of them where there is no endpoint. */
  unknownRequests = 0
  /** Requests that were answered with an error and no run. */
  readonly refused: SlidingCount
  /** Runs that are over, and refused calls. */
  readonly finished: SlidingCount
  /** Those of them whose fault is ours or the endpoint's: runs that failed or were abandoned, calls refused with a status from 500. */
  readonly faults: SlidingCount
  /** Chunks that were written, once for each reader. */
  readonly chunks: SlidingCount
  /** From the call to the write of its first chunk. */
  readonly firstChunk: SlidingHistogram
  /** From a chunk's way into the stream to its write. */
  readonly chunk: SlidingHistogram
  readonly chunkTotals = new BucketHistogram(CHUNK_BOUNDS_MS)
  /** Calls that were refused, and runs that did not complete, by the code of their error. */
  readonly refusedCodes = new Map<string, number>()
  readonly runCodes = new Map<string, number>()
  readonly outcomes: Record<Outcome, number> = { completed: 0, failed: 0, cancelled: 0, abandoned: 0 }
  activeRuns = 0
  activeReaders = 0
  readonly startedAtMs = performance.now()
  readonly channels: ChannelCounts
  readonly sockets = new SocketCounts()
  readonly limits = new LimitCounts()
  /** Of all endpoints together. */
  readonly models = new ModelCounts()
  readonly firstToken: SlidingHistogram
  /** From the start of a run to its end. */
  readonly duration: SlidingHistogram
  readonly users: ActiveUsers
  /** Bytes that went to sockets, headers and framing included; asked only when a sample is made. */
  bytesSent: () => number = () => 0
  /** What the audit counts of itself; null: it is off. */
  audit: () => AuditNumbers | null = () => null
  readonly #window = new SlidingWindow()
  readonly #endpoints = new Map<string, EndpointCounts>()

  constructor() {
    const window = this.#window
    this.requests = new SlidingCount(window)
    this.refused = new SlidingCount(window)
    this.finished = new SlidingCount(window)
    this.faults = new SlidingCount(window)
    this.chunks = new SlidingCount(window)
    this.firstChunk = new SlidingHistogram(window)
    this.chunk = new SlidingHistogram(window)
    this.firstToken = new SlidingHistogram(window)
    this.duration = new SlidingHistogram(window)
    this.users = new ActiveUsers(window)
    this.channels = new ChannelCounts(window)
  }

  /** A request has found its endpoint, by name; null: there is none at its path. */
  callBegan(endpoint: string | null, nowMs: number): void {
    this.#window.turn(nowMs)
    this.requests.add(1)
    if (endpoint === null) this.unknownRequests++
    else {
      const counts = this.#of(endpoint)
      counts.requests++
      counts.minute.requests.add(1)
    }
  }

  /** Counts a user: the subject of a token, or the address of a call without one. */
  userCalled(user: string, nowMs: number): void {
    this.#window.turn(nowMs)
    this.users.saw(user)
  }

  /** A call was answered with an error, and no run began. `endpoint`: null where there is none at the path. */
  callRefused(code: string, status: number, nowMs: number, endpoint: string | null = null): void {
    this.#window.turn(nowMs)
    const isFault = status >= 500
    this.refused.add(1)
    this.#finished(isFault, endpoint === null ? null : this.#of(endpoint))
    countOne(this.refusedCodes, errorLabel(code))
  }

  #finished(isFault: boolean, counts: EndpointCounts | null): void {
    this.finished.add(1)
    counts?.minute.finished.add(1)
    if (!isFault) return
    this.faults.add(1)
    counts?.minute.faults.add(1)
  }

  runBegan(): void {
    this.activeRuns++
  }

  /** `code`: of its error; null when it completed. */
  runEnded(endpoint: string, outcome: Outcome, code: string | null, durationMs: number, nowMs: number): void {
    this.#window.turn(nowMs)
    this.activeRuns--
    const counts = this.#of(endpoint)
    this.#finished(outcome === 'failed' || outcome === 'abandoned', counts)
    this.outcomes[outcome]++
    if (code !== null) countOne(this.runCodes, errorLabel(code))
    this.duration.record(durationMs, 1)
    counts.minute.duration.record(durationMs, 1)
    counts.outcomes[outcome]++
    counts.runDuration.record(durationMs, 1)
  }

  /** A run that is over has called models. */
  modelsCalled(endpoint: string, usage: ModelUsage, nowMs: number): void {
    this.#window.turn(nowMs)
    this.models.add(usage)
    this.#of(endpoint).models.add(usage)
    if (usage.first_token_ms !== null) this.firstToken.record(usage.first_token_ms, 1)
  }

  readerAttached(): void {
    this.activeReaders++
  }

  readerDetached(): void {
    this.activeReaders--
  }

  /** The first chunk of a call was written, so long after the request came. */
  firstChunkWritten(endpoint: string, latencyMs: number, nowMs: number): void {
    this.#window.turn(nowMs)
    const counts = this.#of(endpoint)
    this.firstChunk.record(latencyMs, 1)
    counts.firstChunk.record(latencyMs, 1)
    counts.minute.firstChunk.record(latencyMs, 1)
  }

  /** Chunks were written to one reader. */
  chunksWritten(name: ReadName, count: number, nowMs: number): void {
    this.#window.turn(nowMs)
    this.chunks.add(count)
    const counts = typeof name === 'string' ? this.#of(name) : this.channels.of(name.channel)
    counts.chunks += count
  }

  /** So long after it came into the stream a chunk was written, and so many about as long. */
  chunkTimed(latencyMs: number, count: number, nowMs: number): void {
    this.#window.turn(nowMs)
    this.chunk.record(latencyMs, count)
    this.chunkTotals.record(latencyMs, count)
  }

  /** Lets go of what is older than the window, before something is read. */
  turn(nowMs: number): void {
    this.#window.turn(nowMs)
  }

  /** What is counted for each endpoint that was called. */
  get endpoints(): ReadonlyMap<string, EndpointCounts> {
    return this.#endpoints
  }

  #of(endpoint: string): EndpointCounts {
    return this.#endpoints.get(endpoint) ?? this.#open(endpoint)
  }

  #open(endpoint: string): EndpointCounts {
    const name = this.#endpoints.size < ENDPOINTS_MAX ? endpoint : OTHER_ENDPOINTS
    let counts = this.#endpoints.get(name)
    if (counts === undefined) {
      counts = new EndpointCounts(this.#window)
      this.#endpoints.set(name, counts)
    }
    return counts
  }
}

function countOne(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
