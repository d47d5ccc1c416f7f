import type { ServerResponse } from 'node:http'
import { getHeapStatistics } from 'node:v8'
import { StreamstackError } from '@streamstack/protocol'
import { onAnswerOver } from '../answer/answer-over.ts'

/** Of all results of this process that are collected, or wait for their readers to take them: at most a sixth of the heap. */
const HELD_BYTES_MAX = Math.min(134_217_728, getHeapStatistics().heap_size_limit / 6)

const RETRY_MS = 5_000

let heldBytes = 0

/** What a whole result holds in memory until its answer has left: a stream waits in its log for a reader that takes nothing, and this has nowhere else to wait. */
export class HeldResult {
  #bytes = 0
  #isOver = false

  constructor(response: ServerResponse) {
    onAnswerOver(response, () => {
      this.#isOver = true
      heldBytes -= this.#bytes
      this.#bytes = 0
    })
  }

  /** Counts what it holds now. Throws `unavailable` when all results together hold too much. */
  growTo(bytes: number): void {
    if (this.#isOver) return
    const more = bytes - this.#bytes
    if (heldBytes + more > HELD_BYTES_MAX) {
      throw new StreamstackError(
        'unavailable',
        'Too many whole results wait to be complete, or for readers that do not take them. Ask for a format that streams, or again in a moment.',
        { retryAfterMs: RETRY_MS },
      )
    }
    heldBytes += more
    this.#bytes = bytes
  }
}
