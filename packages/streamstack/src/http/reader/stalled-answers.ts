import type { ServerResponse } from 'node:http'
import { type ServerHttp2Stream, constants } from 'node:http2'
import type { Socket } from 'node:net'
import type { OpenList } from '../../stream/index.ts'
import { isBroken } from '../answer/break-connection.ts'

const CHECK_MS_MAX = 1_000

interface Progress {
  /** What waits, as far as that can be seen. */
  waiting: string
  sinceMs: number
}

/** Writes an answer that streams. */
export interface RestingReader {
  /** Whether the client has stopped reading and only a timeout would end the answer. */
  readonly mayNotRest: boolean
  /** Whether the answer is ended at once. Default: false. */
  readonly isGivenUp?: boolean
}

/** The writer of an answer. A property, since a WeakMap of all answers makes each collection of the young take twice as long. */
const writer = Symbol('writer')
/** What a stalled answer waits for, and since when. */
const progress = Symbol('progress')

interface WrittenAnswer extends ServerResponse {
  [writer]?: RestingReader
  [progress]?: Progress | undefined
}

/** Registers the writer of an answer. */
export function noteReader(response: ServerResponse, reader: RestingReader): void {
  const answer: WrittenAnswer = response
  answer[writer] = reader
}

/**
 * Ends connections whose clients take nothing, of an answer that is complete or whose reader may not rest: nothing else would. Node's own timeouts bound
 * requests, not answers.
 */
export class StalledAnswers {
  readonly #answers: OpenList<WrittenAnswer>
  readonly #slowTimeoutMs: () => number
  readonly #timer: NodeJS.Timeout

  /** `answers`: those that have not left, kept by the caller. */
  constructor(answers: OpenList<ServerResponse>, slowTimeoutMs: () => number) {
    this.#answers = answers
    this.#slowTimeoutMs = slowTimeoutMs
    this.#timer = setInterval(() => this.#check(), Math.min(CHECK_MS_MAX, slowTimeoutMs() / 4)).unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #check(): void {
    const nowMs = performance.now()
    const slowTimeoutMs = this.#slowTimeoutMs()
    for (const { isIn, member: response } of this.#answers.entries()) {
      if (!isIn) continue
      const reader = response[writer]
      if (reader?.isGivenUp === true) {
        destroyAnswer(response)
        continue
      }
      const isComplete = response.writableEnded || isBroken(response)
      if (!isComplete && reader?.mayNotRest !== true) {
        if (response[progress] !== undefined) response[progress] = undefined
        continue
      }
      const waiting = waitingOf(response)
      const before = response[progress]
      if (before?.waiting !== waiting) response[progress] = { waiting, sinceMs: nowMs }
      else if (nowMs - before.sinceMs >= slowTimeoutMs) destroyAnswer(response)
    }
  }
}

/** Ends an answer at once; what waits for its reader is lost. */
function destroyAnswer(response: ServerResponse): void {
  const stream = streamOf(response)
  if (stream === null) response.socket?.destroy()
  else {
    stream.close(constants.NGHTTP2_CANCEL)
    stream.destroy()
  }
}

/** Node counts a write as waiting until all of it has left; the handle of the socket knows how much has. */
function waitingOf(response: ServerResponse): string {
  const stream = streamOf(response)
  if (stream !== null) return String(stream.writableLength)
  const { _handle: handle } = (response.socket ?? {}) as Socket & { _handle?: { writeQueueSize?: number } | null }
  return `${response.writableLength} ${handle?.writeQueueSize ?? 0}`
}

function streamOf(response: ServerResponse): ServerHttp2Stream | null {
  return (response as unknown as { stream?: ServerHttp2Stream }).stream ?? null
}
