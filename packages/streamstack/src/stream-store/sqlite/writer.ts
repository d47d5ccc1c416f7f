import { Worker } from 'node:worker_threads'
import { StreamstackError } from '@streamstack/protocol'
import type { Change, FailureListener } from '../storage.ts'
import { BatchBuilder } from './batch-builder.ts'
import { errorOf, isFull } from '../../storage/index.ts'
import { streamStorageError } from './errors.ts'
import type { RecentChunks } from './recent-chunks.ts'
import type { Batch, TrimTask, WriterAnswer, WriterData, WriterTask } from './writer-protocol.ts'

/** How much may wait for the disk; beyond, appends are refused until some of it is kept. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024
/** How much goes to the thread at once. */
const BATCH_BYTES_MAX = 4 * 1024 * 1024

/** What a trim tells. */
export type TrimAnswer = Extract<WriterAnswer, { kind: 'trimmed' }>

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface SentBatch {
  readonly batch: Batch
  readonly waiters: readonly Waiter[]
}

interface WaitingTrim {
  readonly resolve: (answer: TrimAnswer) => void
  readonly reject: (error: unknown) => void
}

export interface WriterOptions {
  readonly path: string
  readonly recent: RecentChunks
  /** Called before the waiting writes are rejected. */
  readonly onFailure: FailureListener
  /** Called when background work fails. */
  readonly onError: (error: unknown) => void
}

/**
 * The one writer. What comes in one turn of the event loop goes to its thread together, and what the thread finds waiting goes into one
 * transaction: so the more there is to do, the more each wait for the disk does, and no append waits for a clock. A transaction that fails takes all
 * that was waiting with it, for what came later was judged by what came before. A full disk can be mended; after any other failure nothing is
 * taken any more, since after a failed fsync the state of the disk is unknown.
 */
export class Writer {
  readonly #options: WriterOptions
  readonly #worker: Worker
  #builder = new BatchBuilder()
  #waiters: Waiter[] = []
  /** Sent to the thread, oldest first. */
  #sent: SentBatch[] = []
  #trims: WaitingTrim[] = []
  /** Bytes taken and not kept yet. */
  #queueBytes = 0
  /** Keys of the journal, which begins anew with each start: the next to give out, and the next that will be kept. */
  #nextKey = 1
  #nextKeptKey = 1
  #isScheduled = false
  /** Why nothing is taken any more. */
  #stopped: StreamstackError | null = null
  #idle: (() => void) | null = null

  constructor(options: WriterOptions) {
    this.#options = options
    // Beside the sources stands the source, beside the built files the built one.
    const file = import.meta.url.endsWith('.ts') ? './writer-worker.ts' : './writer-worker.js'
    const workerData: WriterData = { path: options.path }
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData })
    this.#worker.unref()
    this.#worker.on('message', (answer: WriterAnswer) => this.#take(answer))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', () => {
      if (this.#stopped === null) this.#fail(new Error('The writer thread has ended.'))
    })
  }

  /** Throws when so much cannot be taken now. */
  admit(bytes: number): void {
    if (this.#stopped !== null) throw this.#stopped
    // What is larger than all that may wait is taken when nothing does.
    if (this.#queueBytes === 0 || this.#queueBytes + bytes <= QUEUE_BYTES_MAX) return
    throw new StreamstackError('unavailable', 'More is being appended than the disk can keep. Send it again later.', {
      retryAfterMs: 1_000,
    })
  }

  /** Settles when the changes are on disk. */
  write(changes: readonly Change[]): Promise<void> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped)
    for (const change of changes) {
      this.#builder.add(change)
      if (change.kind === 'chunk') this.#queueBytes += change.data.length
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
      if (this.#builder.bytes >= BATCH_BYTES_MAX) this.#send()
      else this.#schedule()
    })
  }

  trim(task: TrimTask): Promise<TrimAnswer> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped)
    this.#send()
    return new Promise((resolve, reject) => {
      this.#trims.push({ resolve, reject })
      this.#post(task)
    })
  }

  /** Waits for what is under way, then ends the thread. */
  async close(): Promise<void> {
    if (this.#stopped !== null) {
      await this.#worker.terminate()
      return
    }
    this.#send()
    if (this.#sent.length > 0 || this.#trims.length > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    this.#stopped ??= new StreamstackError('storage_failed', 'The streams are closed.')
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#post({ kind: 'close' })
    await ended
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      if (this.#stopped === null) this.#send()
    })
  }

  #send(): void {
    if (this.#waiters.length === 0) return
    const batch = this.#builder.build(this.#nextKey)
    this.#nextKey += batch.chunks.length / 4
    this.#sent.push({ batch, waiters: this.#waiters })
    this.#builder = new BatchBuilder()
    this.#waiters = []
    this.#post(batch)
  }

  #post(task: WriterTask): void {
    this.#worker.ref()
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(task)
  }

  #take(answer: WriterAnswer): void {
    switch (answer.kind) {
      case 'done':
        for (const { batch, waiters } of this.#sent.splice(0, answer.batches)) {
          this.#kept(batch)
          for (const { resolve } of waiters) resolve()
        }
        break
      case 'trimmed':
        this.#trims.shift()?.resolve(answer)
        break
      case 'settled':
        this.#options.recent.settle(answer.throughKey)
        return
      case 'care-failed':
        this.#options.onError(new Error(answer.message))
        return
      case 'failed':
        this.#fail(errorOf(answer))
        return
    }
    if (this.#sent.length > 0 || this.#trims.length > 0) return
    // An idle writer does not keep the process alive.
    this.#worker.unref()
    this.#idle?.()
  }

  #kept({ chunks, data }: Batch): void {
    let start = 0
    for (let at = 0; at < chunks.length; at += 4) {
      const bytes = chunks[at + 3] as number
      const chunk = Buffer.from(data.buffer, start, bytes)
      this.#options.recent.add(chunks[at] as number, chunks[at + 1] as number, chunk)
      start += bytes
    }
    this.#queueBytes -= data.length
    this.#nextKeptKey += chunks.length / 4
  }

  #fail(cause: unknown): void {
    if (this.#stopped !== null) return
    const error = streamStorageError(cause)
    const canGoOn = isFull(cause)
    if (!canGoOn) this.#stopped = error
    const lost = [...this.#sent.flatMap(({ waiters }) => waiters), ...this.#waiters, ...this.#trims]
    this.#builder = new BatchBuilder()
    this.#waiters = []
    this.#sent = []
    this.#trims = []
    this.#queueBytes = 0
    this.#nextKey = this.#nextKeptKey
    if (canGoOn) this.#post({ kind: 'resume' })
    // Before the writes are rejected: a retry must be judged by what is really kept.
    this.#options.onFailure()
    for (const { reject } of lost) reject(error)
    this.#idle?.()
  }
}
