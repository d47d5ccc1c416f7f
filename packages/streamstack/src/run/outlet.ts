import {
  type Chunk,
  type ChunkKind,
  ERRORS,
  type ErrorCode,
  StreamstackError,
  type Value,
  isTextKind,
} from '@streamstack/protocol'
import { jsonText } from '../expression/index.ts'
import type { Stream } from '../stream/index.ts'
import { type AttachedFilter, type ChunkFilter, FilterStop } from './chunk-filter.ts'
import type { PendingText } from './pending-text.ts'
import type { RunState } from './run-state.ts'
import { type SmoothCut, Smoother } from './smoother.ts'

const NO_CHUNKS: readonly Chunk[] = []

/** Services that an outlet uses. */
export interface OutletRun {
  readonly stream: Stream
  readonly state: RunState
  /** Counts a chunk against the limits of the run and appends it. A promise means that readers are behind. */
  append(chunk: Chunk): void | Promise<void>
  /** A filter of one of the run's programs. */
  filter(program: string, index: number): ChunkFilter<unknown>
  /** Ends the run with an error that no catch block can take. */
  fail(error: StreamstackError): void
  /** Milliseconds since the run began. */
  elapsedMs(): number
}

/** The one exit of a run: all that it sends, whatever made it, passes the attached filters here before it becomes a chunk. */
export class Outlet {
  readonly #run: OutletRun
  /** Made when a step first wants its text smoothed. */
  #smoother: Smoother | null = null

  constructor(run: OutletRun) {
    this.#run = run
  }

  /**
   * Sends a chunk. A promise means that readers are behind; the chunk is sent already. What filters make of it is appended at once: they
   * hold back a bounded amount.
   */
  send(chunk: Chunk): void | Promise<void> {
    const { state } = this.#run
    if (state.filters === null && state.pending === null && state.smooth === null) return this.#run.append(chunk)
    const { filters } = state
    const before = this.flushPending()
    const sent = this.#appendAll(filters === null ? [chunk] : this.#filtered(filters, chunk))
    return before === undefined ? sent : before.then(() => sent)
  }

  /** Sends text at an even pace that follows what waits. A promise means that readers are behind. */
  sendSmoothly(chunk: Chunk, cut: SmoothCut): void | Promise<void> {
    const { filters } = this.#run.state
    const before = this.flushPending()
    const sent = this.#appendAll(filters === null ? [chunk] : this.#filtered(filters, chunk), cut)
    return before === undefined ? sent : before.then(() => sent)
  }

  /** Keeps text back until the rest of its piece comes, or anything else is sent. Text of another step that is kept back goes out first. */
  keepPending(pending: PendingText): void {
    void this.flushPending()
    this.#run.state.pending = pending
  }

  /**
   * Takes the text that is kept back, for a delta that joins it. Null when there is none, or it is of another step, kind or unit: then it
   * is sent, and waits for no reader, since it is less than a piece.
   */
  takePending({ step, kind, unit }: Pick<PendingText, 'step' | 'kind' | 'unit'>): PendingText | null {
    const { pending } = this.#run.state
    if (pending === null) return null
    if (pending.step !== step || pending.kind !== kind || pending.unit !== unit) {
      void this.flushPending()
      return null
    }
    this.#run.state.pending = null
    return pending
  }

  /** Sends text that is kept back: nothing more joins it. */
  flushPending(): void | Promise<void> {
    const { state } = this.#run
    const { pending } = state
    state.pending = null
    if (pending === null || pending.text === '') return undefined
    return this.send({ kind: pending.kind, data: pending.text, metadata: pending.metadata })
  }

  /**
   * What becomes of a message that leaves the run whole, for a channel: it passes the attached filters on its own, whatever the answer has
   * sent so far. Throws `step_failed` when a filter lets nothing pass that a message could be.
   */
  message(content: Value): Value {
    const { filters } = this.#run.state
    if (filters === null) return content
    const fresh = this.#fresh(filters)
    const passed = this.#untilStopped(() => [...through(fresh, chunkOf(null, content, null)), ...flushed(fresh)])
    const [first] = passed
    if (passed.length > 0 && passed.every(({ kind }) => kind === 'text')) return passed.map(({ data }) => data).join('')
    if (passed.length === 1 && first?.kind === 'json') return JSON.parse(first.data) as Value
    throw new StreamstackError('step_failed', 'A filter of the run withheld the message.')
  }

  /**
   * What becomes of the error that a run ends with: its texts pass the attached filters, since texts of the stack may stand in them. Of an
   * error that a filter stops, the code alone is left.
   */
  error(error: StreamstackError): StreamstackError {
    const { filters } = this.#run.state
    if (filters === null) return error
    const texts = { message: error.message, details: (error.details ?? null) as Value }
    try {
      const fresh = this.#fresh(filters)
      const [passed] = [...through(fresh, chunkOf('json', texts, null)), ...flushed(fresh)]
      const data = passed?.data ?? '{}'
      if (data === JSON.stringify(texts)) return error
      const said = JSON.parse(data) as { message?: string; details?: Record<string, Value> | null }
      return withTexts(error, said.message ?? '', said.details ?? undefined)
    } catch {
      return withTexts(error, 'The run failed.', undefined)
    }
  }

  /** What attached filters make of values that are kept beside the answer, each on its own; nothing where a filter stops them. */
  kept(values: readonly Value[]): readonly Value[] {
    const { filters } = this.#run.state
    if (filters === null) return values
    try {
      const fresh = this.#fresh(filters)
      const [passed] = [...through(fresh, chunkOf('json', values, null)), ...flushed(fresh)]
      const made = passed?.kind === 'json' ? (JSON.parse(passed.data) as Value) : null
      return Array.isArray(made) ? made : []
    } catch {
      return []
    }
  }

  /** Attaches a filter of a program, behind those that are attached; one that is attached already stays as it is. */
  attach(program: string, filter: number, options: Value = null): void {
    const { state } = this.#run
    if (state.filters?.some((one) => one.program === program && one.filter === filter) === true) return
    const made = this.#run.filter(program, filter).initial(options)
    state.filters = [...(state.filters ?? []), { program, filter, options, state: made, heldKind: null }]
  }

  /** Detaches a filter; what it holds back is sent first. */
  detach(program: string, filter: number): void | Promise<void> {
    const { state } = this.#run
    const index = state.filters?.findIndex((one) => one.program === program && one.filter === filter) ?? -1
    if (state.filters === null || index === -1) return undefined
    const held = this.#held(state.filters)
    const own = held[index] as HeldFilter
    const last = this.#untilStopped(() =>
      own.filter.flush(own.attached.state).flatMap((chunk) => through(held.slice(index + 1), chunk)),
    )
    const rest = state.filters.filter((_, i) => i !== index)
    state.filters = rest.length === 0 ? null : rest
    return this.#appendAll(last)
  }

  /** Appends what is still kept back, at the end of the run. It waits for no reader. */
  finish(): void {
    void this.flushPending()
    const { filters } = this.#run.state
    if (filters !== null) void this.#appendAll(this.#untilStopped(() => flushed(this.#held(filters))))
    void this.#smoother?.flush()
  }

  /** Restores the state that another process saved. */
  resume(): void {
    if (this.#run.state.smooth !== null) this.#smoothing().resume()
  }

  #filtered(filters: readonly AttachedFilter[], chunk: Chunk): readonly Chunk[] {
    return this.#untilStopped(() => through(this.#held(filters), chunk))
  }

  /** What filters give; a filter that ends the run has its last chunks sent, and nothing passes any more. */
  #untilStopped<T>(work: () => T): T {
    try {
      return work()
    } catch (thrown) {
      if (!(thrown instanceof FilterStop)) throw thrown
      // The filter stays, and stops what finally blocks still send.
      if (this.#run.state.ending === null) {
        void this.#appendAll(thrown.last)
        this.#run.fail(thrown.error)
      }
      throw thrown.error
    }
  }

  #appendAll(chunks: readonly Chunk[], cut: SmoothCut | null = null): void | Promise<void> {
    const rooms: Promise<void>[] = []
    for (const chunk of chunks) {
      const room =
        cut === null || !isTextKind(chunk.kind) ? this.#appendInOrder(chunk) : this.#smoothing().push(chunk, cut)
      if (room !== undefined) rooms.push(room)
    }
    return rooms.length === 0 ? undefined : Promise.all(rooms).then(() => undefined)
  }

  /** Behind the text that still waits for its turn. */
  #appendInOrder(chunk: Chunk): void | Promise<void> {
    if (this.#run.state.smooth !== null) void this.#smoothing().flush()
    return this.#run.append(chunk)
  }

  #smoothing(): Smoother {
    const run = this.#run
    this.#smoother ??= new Smoother({
      state: run.state,
      append: (chunk) => run.append(chunk),
      // A limit that was reached has ended the run already.
      failed: (thrown) => {
        if (thrown instanceof StreamstackError) run.fail(thrown)
      },
      nowMs: () => run.elapsedMs(),
    })
    return this.#smoother
  }

  /** The filters as before their first chunk, for what does not belong to the text of the answer. */
  #fresh(filters: readonly AttachedFilter[]): HeldFilter[] {
    return this.#held(filters).map(({ filter, attached }) => ({
      filter,
      attached: { ...attached, state: filter.initial(attached.options), heldKind: null },
    }))
  }

  #held(filters: readonly AttachedFilter[]): HeldFilter[] {
    return filters.map((attached) => ({ filter: this.#run.filter(attached.program, attached.filter), attached }))
  }
}

/** The same error with other texts; what it said before stays in the log. */
function withTexts(
  error: StreamstackError,
  message: string,
  details: Record<string, Value> | undefined,
): StreamstackError {
  const { code, status, recoverable, retryAfterMs } = error
  return new StreamstackError(Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'step_failed', message, {
    publicCode: code,
    status,
    recoverable,
    cause: error,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(details === undefined ? {} : { details }),
  })
}

interface HeldFilter {
  readonly filter: ChunkFilter<unknown>
  readonly attached: AttachedFilter
}

/**
 * Passes a chunk through the filters. A filter flushes held text before a chunk of another kind.
 */
function through(filters: readonly HeldFilter[], chunk: Chunk): readonly Chunk[] {
  let passing: readonly Chunk[] = [chunk]
  for (const { filter, attached } of filters) {
    passing = passing.flatMap((one) => {
      const isSameText = isTextKind(one.kind) && attached.heldKind === one.kind
      const before = isSameText ? NO_CHUNKS : filter.flush(attached.state)
      attached.heldKind = one.kind
      return [...before, ...filter.push(attached.state, one)]
    })
  }
  return passing
}

/** Flushes the text that all filters hold back, each through the filters after it. */
function flushed(filters: readonly HeldFilter[]): readonly Chunk[] {
  let passing = NO_CHUNKS
  for (const one of filters) {
    passing = [...passing.flatMap((chunk) => through([one], chunk)), ...one.filter.flush(one.attached.state)]
  }
  return passing
}

/** A value as a chunk of a kind; null: `text` for text, `json` for everything else. Throws `limit_exceeded` for one that is too large. */
export function chunkOf(asked: ChunkKind | null, value: Value, metadata: string | null): Chunk {
  const kind = asked ?? (typeof value === 'string' ? 'text' : 'json')
  const isText = typeof value === 'string' && isTextKind(kind)
  return { kind, data: isText ? value : jsonText(value), metadata }
}

/** An object as the metadata of a chunk; null: none. Throws `limit_exceeded` for one that is too large. */
export function metadataText(value: Value): string | null {
  return value === null ? null : jsonText(value)
}
