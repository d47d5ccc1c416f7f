import { Worker } from 'node:worker_threads'
import { StreamstackError } from '@streamstack/protocol'
import { errorOf } from '../../storage/index.ts'
import { storageError, tooMuchText } from './errors.ts'
import type { ReadAnswer, ReadRequest, ReaderData } from './reader-protocol.ts'

/** Maximum number of reads that wait for a thread. */
const QUEUE_MAX = 1000

/** What a read gave. */
export interface ReadResult {
  readonly keys: readonly (null | number | string)[] | null
  readonly count: number
  readonly overBytes: boolean
}

interface Job {
  readonly request: ReadRequest
  readonly onSlice: (json: string, length: number) => void
  readonly resolve: (result: ReadResult) => void
  readonly reject: (error: unknown) => void
}

/**
 * Threads that read what may take long, so that the main thread does not. They start when first needed and do not keep
 * the process alive when idle.
 */
export class ReaderPool {
  readonly #path: string
  readonly #readersMax: number
  readonly #idle: Worker[] = []
  readonly #busy = new Map<Worker, Job>()
  readonly #queue: Job[] = []
  #closed = false
  #nextId = 1

  constructor(path: string, readersMax: number) {
    this.#path = path
    this.#readersMax = readersMax
  }

  /** Throws `limit_exceeded` for a filter that looks through too much text, `storage_failed` when too many reads wait. */
  read(request: Omit<ReadRequest, 'id' | 'taken'>, onSlice: Job['onSlice']): Promise<ReadResult> {
    if (this.#queue.length >= QUEUE_MAX) return Promise.reject(tooManyReads())
    if (this.#closed) return Promise.reject(new StreamstackError('storage_failed', 'The record store is closed.'))
    const id = this.#nextId
    this.#nextId += 1
    const taken = new Int32Array(new SharedArrayBuffer(4))
    return new Promise((resolve, reject) => {
      this.#queue.push({ request: { ...request, id, taken }, onSlice, resolve, reject })
      this.#next()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    const error = new StreamstackError('storage_failed', 'The record store was closed while it was reading.')
    for (const job of [...this.#queue.splice(0), ...this.#busy.values()]) job.reject(error)
    const workers = [...this.#idle.splice(0), ...this.#busy.keys()]
    this.#busy.clear()
    await Promise.all(workers.map((worker) => worker.terminate()))
  }

  #next(): void {
    const job = this.#queue[0]
    if (job === undefined) return
    const worker = this.#idle.pop() ?? (this.#busy.size < this.#readersMax ? this.#start() : null)
    if (worker === null) return
    this.#queue.shift()
    this.#busy.set(worker, job)
    worker.ref()
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(job.request)
  }

  #start(): Worker {
    // Beside the sources stands the source, beside the built files the built one.
    const file = import.meta.url.endsWith('.ts') ? './reader-worker.ts' : './reader-worker.js'
    const worker = new Worker(new URL(file, import.meta.url), { workerData: { path: this.#path } satisfies ReaderData })
    worker.unref()
    worker.on('message', (answer: ReadAnswer) => this.#take(worker, answer))
    worker.on('error', (error) => this.#lose(worker, error))
    worker.on('exit', () => this.#lose(worker, new Error('The reader thread has ended.')))
    return worker
  }

  #take(worker: Worker, answer: ReadAnswer): void {
    const job = this.#busy.get(worker)
    if (job === undefined || job.request.id !== answer.id) return
    if (answer.kind === 'slice') {
      job.onSlice(answer.json, answer.length)
      // In the next turn of the loop: told at once, the reader would keep this turn going with slice after slice.
      setImmediate(() => {
        Atomics.add(job.request.taken, 0, 1)
        Atomics.notify(job.request.taken, 0)
      })
      return
    }
    this.#busy.delete(worker)
    this.#idle.push(worker)
    worker.unref()
    if (answer.kind === 'end') job.resolve(answer)
    else if (answer.tooMuchText) job.reject(tooMuchText())
    else job.reject(storageError(errorOf(answer), null))
    this.#next()
  }

  #lose(worker: Worker, error: Error): void {
    const at = this.#idle.indexOf(worker)
    if (at !== -1) this.#idle.splice(at, 1)
    const job = this.#busy.get(worker)
    this.#busy.delete(worker)
    job?.reject(storageError(error, null))
    if (!this.#closed) this.#next()
  }
}

function tooManyReads(): StreamstackError {
  return new StreamstackError('storage_failed', `More than ${QUEUE_MAX} searches wait for their turn; try again later.`)
}
