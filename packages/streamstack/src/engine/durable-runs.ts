import { ERRORS, type StreamstackError } from '@streamstack/protocol'
import type { EndpointDefinition } from '../definition/types.ts'
import { after } from '../storage/index.ts'
import {
  type LiveStream,
  type NotedStream,
  StoredLog,
  type StreamStore,
  encodeStoredEnd,
  STORED_CONTENT_TYPE,
} from '../stream-store/index.ts'
import type { Settings } from '../workspace/index.ts'
import { type KeyedCall, type RunOwner, fingerprintOf, keyDigest, refuseOtherCall } from './idempotency.ts'
import type { ListedRun, RunListQuery } from './listed-run.ts'
import type { RunTimes, RunView } from './run-view.ts'
import { RUNS_PREFIX, type RunNote, StoredRun, abandonedEnd, listedUnder, readRunNote } from './stored-run.ts'

/** What of a run stays in memory for the readers at its end; who is further behind reads from the store. */
const RECENT_BYTES = 524_288

/** Runs that get their outcome in one write after a crash. */
const SETTLED_AT_ONCE = 500

/** Runs that are looked up at once for a list. */
const LISTED_AT_ONCE = 100

/** Times of chunks that the note of a run keeps. */
const TIMES_MAX = 256

/** The store of durable runs; null: this workspace has kept none so far. */
export type RunStorage = { open(): StreamStore; openKept(): StreamStore | null }

/** What a new run is kept with. */
export interface DurableStart {
  readonly id: string
  readonly endpoint: EndpointDefinition
  readonly settings: Settings
  readonly start: { readonly owner: RunOwner; readonly keyed?: KeyedCall | null }
  /** The run itself, when it ends. */
  readonly live: () => RunView | undefined
  readonly onFailure: (error: StreamstackError) => void
  readonly tell: (error: StreamstackError) => StreamstackError
}

/** Runs with `delivery: durable`, as the store keeps them: each is one of its streams, and its note says whose it is and how it ended. */
export class DurableRuns {
  readonly #storage: RunStorage

  constructor(storage: RunStorage) {
    this.#storage = storage
  }

  /** The log of a new run. It is made together with the first chunks, in one write, so that the first chunk waits for the disk once. Throws as `Runs.prepare`. */
  log({ id, endpoint, settings, start: { owner, keyed }, live, onFailure, tell }: DurableStart): StoredLog {
    const store = this.#storage.open()
    const note: RunNote = {
      endpoint: endpoint.name,
      route: `${endpoint.method} ${endpoint.path}`,
      contentType: endpoint.headers['Content-Type'] ?? null,
      owner,
      call: keyed == null ? null : fingerprintOf(keyed),
      startedAtMs: Date.now(),
      end: null,
    }
    const maxDurationMs = endpoint.limits.maxDurationMs ?? settings.limits.maxDurationMs
    const { durableRetentionMs } = settings.streams
    const { stream, kept } = store.createOwn(RUNS_PREFIX + id, {
      contentType: STORED_CONTENT_TYPE,
      // Counted from the last use; a run that is silent for long must not expire under way.
      ttlSeconds: Math.ceil((durableRetentionMs + maxDurationMs) / 1000),
      key: keyed == null ? null : keyDigest(owner, keyed.key),
      listedUnder: listedUnder(owner),
      note: JSON.stringify(note),
    })
    return new StoredLog({
      store,
      stream,
      created: kept,
      recentBytes: RECENT_BYTES,
      atEnd: ({ outcome, error }) => {
        const run = live()
        const end = {
          outcome,
          error,
          status: run?.failure?.status ?? 200,
          headers: [...(run?.responseHeaders ?? [])],
          atMs: Date.now(),
          times: run === undefined ? null : thinned(run.times),
          usage: run?.usage ?? null,
          plainAnswer: run?.plainAnswer ?? null,
        }
        return {
          note: JSON.stringify({ ...note, end } satisfies RunNote),
          ttlSeconds: Math.ceil(durableRetentionMs / 1000),
        }
      },
      onFailure,
      tell,
    })
  }

  /**
   * Gives runs that a crash cut off their outcome: `abandoned`, after the last chunk that was kept; from now on they are kept for `retentionMs`. Returns
   * how many there were.
   */
  async settleAbandoned(retentionMs: number): Promise<number> {
    const store = this.#storage.openKept()
    if (store === null) return 0
    let count = 0
    for (let before: string | null = null; ;) {
      const cutOff = await store.noted({ prefix: RUNS_PREFIX, before, among: 'not-closed', limit: SETTLED_AT_ONCE })
      // One that is past its time is not found.
      const found = await Promise.all(cutOff.map(async ({ name }) => store.find(name)))
      const streams = found.filter((stream) => stream !== null)
      await Promise.all(streams.map(async (stream) => settle(store, stream, retentionMs)))
      count += streams.length
      before = cutOff.at(-1)?.name ?? null
      if (before === null) return count
    }
  }

  /** Deletes the stream of a run that is over. */
  async forget(id: string): Promise<void> {
    const store = this.#storage.openKept()
    if ((await store?.find(RUNS_PREFIX + id)) != null) await store?.delete(RUNS_PREFIX + id)
  }

  /** A run that is over; undefined: there is none of this id. */
  find(id: string): RunView | undefined | Promise<RunView | undefined> {
    const store = this.#storage.openKept()
    return store === null ? undefined : after(store.find(RUNS_PREFIX + id), (kept) => storedRun(store, kept))
  }

  /** The run that this very call has started before. Throws `idempotency_conflict`. */
  startedBy(call: KeyedCall): RunView | undefined | Promise<RunView | undefined> {
    const store = this.#storage.openKept()
    if (store === null) return undefined
    return after(store.withKey(keyDigest(call.owner, call.key)), (kept) => {
      if (kept !== null) refuseOtherCall(readRunNote(kept.record.note).call ?? '', call)
      return storedRun(store, kept)
    })
  }

  /** The run that a caller has started with a key. */
  withKey(owner: RunOwner, key: string): RunView | undefined | Promise<RunView | undefined> {
    const store = this.#storage.openKept()
    return store === null ? undefined : after(store.withKey(keyDigest(owner, key)), (kept) => storedRun(store, kept))
  }

  /** The runs of an owner that are kept, the newest first; one that goes on is not told from one that a crash cut off. */
  async *newestFirst({ owner, before }: RunListQuery): AsyncGenerator<ListedRun, void, undefined> {
    const store = this.#storage.openKept()
    if (store === null) return
    const among = { listedUnder: listedUnder(owner) }
    for (let last = before === null ? null : RUNS_PREFIX + before; ;) {
      const page = await store.noted({ prefix: RUNS_PREFIX, before: last, among, limit: LISTED_AT_ONCE })
      for (const noted of page) yield this.#listed(noted)
      if (page.length < LISTED_AT_ONCE) return
      last = page.at(-1)?.name ?? null
    }
  }

  #listed({ name, note }: NotedStream): ListedRun {
    const { endpoint, route, end } = readRunNote(note)
    const { outcome } = end ?? abandonedEnd()
    return { run: idOf(name), endpoint, route, outcome, open: () => this.find(idOf(name)) }
  }
}

function storedRun(store: StreamStore, kept: LiveStream | null): RunView | undefined {
  return kept === null ? undefined : new StoredRun(idOf(kept.record.name), store, kept)
}

function idOf(name: string): string {
  return name.slice(RUNS_PREFIX.length)
}

async function settle(store: StreamStore, stream: LiveStream, retentionMs: number): Promise<void> {
  const end = abandonedEnd()
  const { status } = ERRORS.abandoned
  const note: RunNote = { ...readRunNote(stream.record.note), end: { ...end, status, headers: [], atMs: Date.now() } }
  await store.extend(stream, [encodeStoredEnd(end)], {
    close: true,
    note: JSON.stringify(note),
    ttlSeconds: Math.ceil(retentionMs / 1000),
  })
}

/** So many of the times at most, spread over the whole run. */
function thinned(times: RunTimes | null): RunTimes | null {
  if (times === null || times.length <= TIMES_MAX) return times
  const step = Math.ceil(times.length / TIMES_MAX)
  return times.filter((_time, index) => index % step === 0)
}
