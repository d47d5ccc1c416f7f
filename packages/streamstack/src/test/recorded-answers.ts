import type { ObservedAnswer } from '../outbound/index.ts'

/** An answer of an upstream during a recorded call. */
export interface RecordedAnswer {
  /** As in definitions: `https://api.example.com`. */
  readonly origin: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** What the run read of it, decoded, as base64. */
  readonly body: string
  /** Milliseconds from the first bytes to the last. */
  readonly durationMs: number
  /** Whether the connection broke before the answer was complete. */
  readonly isBroken: boolean
}

/** An answer that is longer is not recorded. */
const BODY_BYTES_MAX = 8 * 1024 * 1024

/**
 * Headers of one connection, of the transport of one body, and of one moment or session. Cookies are secrets, and a test file is
 * committed.
 */
const NOT_RECORDED =
  /^(?:connection|content-(?:encoding|length)|date|keep-alive|set-cookie|trailer|transfer-encoding|upgrade|alt-svc|nel|report-to)$/

/** Keeps the answers of upstreams in the order in which they began. */
export class RecordedAnswers {
  readonly #answers: (() => RecordedAnswer)[] = []

  add({ origin, status, headers, body }: ObservedAnswer): void {
    const pieces: Uint8Array[] = []
    let bytes = 0
    let [firstMs, lastMs] = [0, 0]
    let isBroken = false
    body.observer = {
      read(piece) {
        bytes += piece.byteLength
        lastMs = performance.now()
        if (pieces.length === 0) firstMs = lastMs
        if (bytes <= BODY_BYTES_MAX) pieces.push(Buffer.from(piece))
      },
      broken() {
        isBroken = true
      },
    }
    this.#answers.push(() => {
      if (bytes > BODY_BYTES_MAX) {
        throw new Error(`${origin} sent ${bytes} bytes; an answer to record has at most ${BODY_BYTES_MAX}.`)
      }
      return {
        origin,
        status,
        headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_RECORDED.test(name))),
        body: Buffer.concat(pieces).toString('base64'),
        durationMs: lastMs - firstMs,
        isBroken,
      }
    })
  }

  /** Throws Error where an answer is too long. */
  all(): RecordedAnswer[] {
    return this.#answers.map((answer) => answer())
  }
}
