import { Worker } from 'node:worker_threads'
import { StreamstackError } from '@streamstack/protocol'
import type { Change, FailureListener } from '../storage.ts'
import type { StreamRecord } from '../stream-record.ts'
import { isFull, streamStorageError } from './errors.ts'
import type { RecentChunks } from './recent-chunks.ts'
import { createRow, updateRow } from './record-row.ts'
import type { Batch, Cell, Operation, TrimTask, WriterAnswer, WriterData, WriterTask } from './writer-protocol.ts'

/** How much may wait for the disk; beyond, appends are refused until some of it is kept. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024
/** How much goes to the disk at once. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024

interface Waiting {
  readonly changes: readonly Change[]
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface WaitingTrim {
  readonly task: TrimTask
  readonly resolve: (answer: Extract<WriterAnswer, { kind: 'trimmed' }>) => void
  readonly reject: (error: unknown) => void
}

/** What the thread is doing. */
interface Job {
  readonly kept: (answer: WriterAnswer) => void
  readonly failed: (error: unknown) => void
}

/**
 * The one writer. What comes while a transaction is on its way to the disk goes together in the next: so the more there is to do, the more
 * each wait for the disk does. A transaction that fails takes all that was waiting with it, for what came later was judged by what came
 * before. A full disk can be mended; after any other failure nothing is taken any more, since after a failed fsync nobody knows what the
 * disk holds.
 */
export class Writer {
  readonly #worker: Worker
  readonly #onFailure: FailureListener
  readonly #recent: RecentChunks
  #queue: Waiting[] = []
  #trims: WaitingTrim[] = []
  #queueBytes = 0
  #job: Job | null = null
  #isScheduled = false
  /** Why nothing is taken any more. */
  #stopped: StreamstackError | null = null
  #idle: (() => void) | null = null

  /** The next key of the journal, which begins anew with each start. */
  #nextKey = 1

  constructor(path: string, recent: RecentChunks, onFailure: FailureListener, onError: (error: unknown) => void) {
    this.#onFailure = onFailure
    this.#recent = recent
    // Beside the sources stands the source, beside the built files the built one.
    const file = import.meta.url.endsWith('.ts') ? './writer-worker.ts' : './writer-worker.js'
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: { path } satisfies WriterData })
    this.#worker.unref()
    this.#worker.on('message', (answer: WriterAnswer) => {
      if (answer.kind === 'care-failed') onError(new Error(answer.message))
      else if (answer.kind === 'settled') recent.settle(answer.throughKey)
      else this.#take(answer)
    })
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', () => {
      if (this.#stopped === null) this.#fail(new Error('The writer thread has ended.'))
    })
  }

  /** Throws when so much cannot be taken now. */
  admit(bytes: number): void {
    if (this.#stopped !== null) throw this.#stopped
    if (this.#queueBytes + bytes <= QUEUE_BYTES_MAX) return
    throw new StreamstackError('unavailable', 'More is being appended than the disk can keep. Send it again later.', {
      retryAfterMs: 1_000,
    })
  }

  write(changes: readonly Change[]): Promise<void> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped)
    return new Promise((resolve, reject) => {
      let bytes = 0
      for (const change of changes) if (change.kind === 'chunk') bytes += change.data.length
      this.#queueBytes += bytes
      this.#queue.push({ changes, bytes, resolve, reject })
      this.#schedule()
    })
  }

  trim(task: TrimTask): Promise<Extract<WriterAnswer, { kind: 'trimmed' }>> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped)
    return new Promise((resolve, reject) => {
      this.#trims.push({ task, resolve, reject })
      this.#schedule()
    })
  }

  /** Waits for what is under way, then ends the thread. */
  async close(): Promise<void> {
    if (this.#stopped === null) {
      if (this.#job !== null || this.#queue.length > 0 || this.#trims.length > 0) {
        await new Promise<void>((resolve) => (this.#idle = resolve))
      }
      this.#stopped ??= new StreamstackError('storage_failed', 'The streams are closed.')
      const ended = new Promise((resolve) => this.#worker.once('exit', resolve))
      this.#post({ kind: 'close' })
      await ended
    } else await this.#worker.terminate()
  }

  /** At the end of this turn of the event loop: requests that came together are kept together. */
  #schedule(): void {
    if (this.#job !== null || this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#next()
    })
  }

  #next(): void {
    if (this.#job !== null || this.#stopped !== null) return
    const trim = this.#trims.shift()
    if (this.#queue.length === 0 && trim === undefined) {
      this.#worker.unref()
      this.#idle?.()
      return
    }
    this.#worker.ref()
    if (trim !== undefined) {
      const kept = (answer: WriterAnswer): void => {
        if (answer.kind === 'trimmed') trim.resolve(answer)
      }
      this.#job = { kept, failed: trim.reject }
      this.#post(trim.task)
      return
    }
    const taken = this.#takeBatch()
    const batch = batchOf(taken, this.#nextKey)
    const { chunks, data } = batch
    this.#job = {
      kept: () => {
        this.#nextKey += chunks.length / 4
        remember(this.#recent, chunks, data)
        for (const { bytes, resolve } of taken) {
          this.#queueBytes -= bytes
          resolve()
        }
      },
      failed: (error) => {
        for (const { reject } of taken) reject(error)
      },
    }
    this.#post(batch)
  }

  #takeBatch(): readonly Waiting[] {
    let bytes = 0
    let count = 0
    while (count < this.#queue.length && (count === 0 || bytes < BATCH_BYTES_MAX)) {
      bytes += (this.#queue[count] as Waiting).bytes
      count += 1
    }
    if (count < this.#queue.length) return this.#queue.splice(0, count)
    const all = this.#queue
    this.#queue = []
    return all
  }

  #post(task: WriterTask): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(task)
  }

  #take(answer: WriterAnswer): void {
    if (answer.kind === 'failed') {
      this.#fail(Object.assign(new Error(answer.message), { errcode: answer.errcode }))
      return
    }
    const job = this.#job
    this.#job = null
    job?.kept(answer)
    this.#next()
  }

  #fail(cause: unknown): void {
    const error = streamStorageError(cause)
    if (!isFull(cause)) this.#stopped = error
    const job = this.#job
    const queue = this.#queue
    const trims = this.#trims
    this.#job = null
    this.#queue = []
    this.#trims = []
    this.#queueBytes = 0
    // Before anybody hears of it: whoever tries again must be judged by what is really kept.
    this.#onFailure()
    job?.failed(error)
    for (const { reject } of [...queue, ...trims]) reject(error)
    this.#idle?.()
  }
}

/** Many small objects would be copied to the thread one by one; numbers and bytes go in one piece each. */
function batchOf(writes: readonly Waiting[], firstKey: number): Batch {
  const operations: Operation[] = []
  const chunks: Extract<Change, { kind: 'chunk' }>[] = []
  const updates = new Map<number, StreamRecord>()
  const producers: Cell[][] = []
  let bytes = 0
  for (const change of writes.flatMap(({ changes }) => changes)) {
    switch (change.kind) {
      case 'create':
        operations.push({ kind: 'create', row: createRow(change.record) })
        break
      case 'remove':
        operations.push({ kind: 'remove', id: change.record.id })
        break
      case 'document':
        operations.push({ kind: 'document', name: change.name, text: change.text })
        break
      case 'chunk':
        bytes += change.data.length
        chunks.push(change)
        break
      case 'update':
        updates.set(change.record.id, change.record)
        break
      case 'producer':
        producers.push([change.id, change.producer, change.state.epoch, change.state.sequence])
    }
  }
  const data = new Uint8Array(bytes)
  const numbers = new Float64Array(chunks.length * 4)
  let end = 0
  for (const [index, chunk] of chunks.entries()) {
    data.set(chunk.data, end)
    end += chunk.data.length
    numbers.set([chunk.id, chunk.position, chunk.atMs, chunk.data.length], index * 4)
  }
  return {
    kind: 'batch',
    operations,
    firstKey,
    chunks: numbers,
    data,
    updates: [...updates.values()].map(updateRow),
    producers,
  }
}

function remember(recent: RecentChunks, chunks: Float64Array, data: Uint8Array<ArrayBuffer>): void {
  let start = 0
  for (let at = 0; at < chunks.length; at += 4) {
    const [stream = 0, position = 0, , bytes = 0] = chunks.subarray(at, at + 4)
    recent.add(stream, position, Buffer.from(data.buffer, start, bytes))
    start += bytes
  }
}
