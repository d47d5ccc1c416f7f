import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import type { ByteSource } from './byte-source.ts'
import { releaseBody } from './collect-answer.ts'
import type { EndMarks } from './end-marks.ts'
import type { ItemDecoder } from './item-decoder.ts'

/** The items of a streamed answer, read one by one and only when asked: a reader that waits makes the upstream wait. */
export interface ItemSource {
  status: number
  headers: Record<string, string>
  /**
   * The next item: at once when one is here, else a promise. Undefined at the true end only. Rejects with
   * `upstream_failed` when the upstream broke, with `upstream_timeout`, `upstream_too_large`, or the reason of the
   * signal; items that came before a failure come first. One call at a time.
   */
  next(): Value | undefined | Promise<Value | undefined>
  /** Leaves: closes the connection at once. A call that waits, and each later one, rejects with an AbortError. */
  close(): void
}

export interface ItemReaderOptions {
  status: number
  headers: Record<string, string>
  body: ByteSource
  decoder: ItemDecoder
  /** Marks of which one must come, or the answer is incomplete; null: its end is enough. */
  marks: EndMarks | null
  /** Most bytes of the whole body; undefined: no bound. */
  bytesMax: number | undefined
}

/** Means that nothing can be said yet; `undefined` already means the end. */
const WAIT = Symbol('wait')

/** An ItemSource over a body. Holds the items of one piece of the body at most. */
export class ItemReader implements ItemSource {
  readonly status: number
  readonly headers: Record<string, string>
  readonly #body: ByteSource
  readonly #decoder: ItemDecoder
  readonly #marks: EndMarks | null
  readonly #bytesMax: number | undefined
  #bytes = 0
  #items: Value[] = []
  #next = 0
  #finished = false
  #failed = false
  #failure: unknown
  #waiting = false
  #closed: DOMException | undefined

  constructor({ status, headers, body, decoder, marks, bytesMax }: ItemReaderOptions) {
    this.status = status
    this.headers = headers
    this.#body = body
    this.#decoder = decoder
    this.#marks = marks
    this.#bytesMax = bytesMax
  }

  next(): Value | undefined | Promise<Value | undefined> {
    if (this.#waiting) return Promise.reject(new Error('next() was called while another call waits'))
    try {
      const item = this.#take()
      return item === WAIT ? this.#wait() : item
    } catch (error) {
      return Promise.reject(error)
    }
  }

  close(): void {
    if (this.#closed !== undefined) return
    this.#closed = new DOMException('The stream was closed by its reader.', 'AbortError')
    this.#items = []
    this.#body.abort(this.#closed)
  }

  #wait(): Promise<Value | undefined> {
    this.#waiting = true
    return new Promise((resolve, reject) => {
      const look = (): void => {
        try {
          const item = this.#take()
          if (item === WAIT) {
            this.#body.whenReady(look)
            return
          }
          this.#waiting = false
          resolve(item)
        } catch (error) {
          this.#waiting = false
          reject(error)
        }
      }
      this.#body.whenReady(look)
    })
  }

  #take(): Value | undefined | typeof WAIT {
    for (;;) {
      if (this.#closed !== undefined) throw this.#closed
      const settled = this.#failed || this.#finished
      // A consumer that cancels wants nothing more, not even what is here. A settled body may be aborted for other reasons.
      if (!settled && this.#body.aborted) throw this.#body.failure
      if (this.#next < this.#items.length) return this.#items[this.#next++]
      if (this.#failed) throw this.#failure
      if (this.#finished) return undefined
      this.#items = []
      this.#next = 0
      const chunk = this.#body.read()
      if (chunk !== undefined) this.#push(chunk)
      else if (this.#body.failed) throw this.#body.failure
      else if (this.#body.ended) this.#end()
      else return WAIT
    }
  }

  #push(chunk: Uint8Array): void {
    this.#bytes += chunk.byteLength
    try {
      if (this.#bytesMax !== undefined && this.#bytes > this.#bytesMax) {
        throw new StreamstackError(
          'upstream_too_large',
          `The answer of ${this.#body.host} is larger than ${this.#bytesMax} bytes.`,
        )
      }
      const isOver = this.#decoder.push(chunk, this.#items)
      if (this.#endsAtMark()) this.#complete()
      else if (isOver) this.#finish()
    } catch (error) {
      // A fault behind the mark is no part of the answer.
      if (this.#endsAtMark()) this.#complete()
      else this.#fail(error)
    }
  }

  #end(): void {
    try {
      this.#decoder.end(this.#items)
      // Where a mark is wanted and missing, what the end of the body completed may be a part of it.
      if (this.#marks !== null && !this.#decoder.isMarked && !this.#endsAtMark()) this.#items = []
      if (this.#endsAtMark()) this.#complete()
      else this.#finish()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Whether one of the items that just came is a mark: it is the last, whatever came with it. */
  #endsAtMark(): boolean {
    const marks = this.#marks
    const at = marks === null ? -1 : this.#items.findIndex((item) => marks.isItem(item))
    if (at === -1) return false
    this.#items.length = at + 1
    return true
  }

  /** The body or its decoder came to an end: a proper one only when it was marked, where a mark is wanted. */
  #finish(): void {
    if (this.#marks !== null && !this.#decoder.isMarked) {
      throw new StreamstackError(
        'upstream_failed',
        `${this.#body.host} ended its answer without the mark that it is complete.`,
      )
    }
    this.#complete()
  }

  /** The last item came; what the connection still brings is its framing, and then it can serve the next request. */
  #complete(): void {
    this.#finished = true
    releaseBody(this.#body)
  }

  #fail(error: unknown): void {
    this.#failed = true
    this.#failure = error
    releaseBody(this.#body)
  }
}
