import type { Outcome, Value } from '@streamstack/protocol'
import type { Issue, Position } from '../definition/index.ts'
import type { Check } from './check.ts'

/** A file of `tests/`, checked and complete. */
export interface TestFile {
  /** Relative to the workspace. */
  readonly file: string
  readonly cases: readonly TestCase[]
  readonly issues: readonly Issue[]
}

/** One call and what must come of it. */
export interface TestCase {
  readonly name: string
  readonly position: Position
  readonly request: TestRequest
  /** Claims of the token that is sent; null: none is. */
  readonly caller: Readonly<Record<string, Value>> | null
  /** Services that endpoints call, played by the runner. */
  readonly upstreams: readonly Upstream[]
  readonly checks: readonly Check[]
  /** That `expect` names; null: it names none. */
  readonly outcome: Outcome | null
  /** The same, of the answer. */
  readonly status: number | null
  /** Each is one more call, under a fault. */
  readonly faults: readonly Fault[]
  /** Number of calls. */
  readonly repeat: number
  /** A call that has not ended by then hangs. */
  readonly timeoutMs: number
}

export type StreamedFormat = 'ndjson' | 'sse' | 'lines' | 'text'

export interface TestRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Null: no body. */
  readonly body: string | null
  readonly format: StreamedFormat
}

export interface Upstream {
  /** As in definitions: `https://api.example.com`. */
  readonly origin: string
  /** For the first, second … request; the last one serves all that follow. */
  readonly answers: readonly UpstreamAnswer[]
}

export interface UpstreamAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Pause before each piece after the first. */
  readonly paceMs: number
  /** Size of a piece; null: an event of SSE, a line of everything else. */
  readonly pieceBytes: number | null
  /** The fault after that many pieces. */
  readonly fault: { readonly afterPieces: number; readonly kind: 'cut' | 'reset' | 'stall' } | null
}

export type Fault =
  /** The connection breaks after some chunks; the reader resumes. */
  | { readonly kind: 'cut'; readonly afterChunks: number }
  /** The caller leaves after some chunks; the run and its requests to upstreams must end in time. */
  | { readonly kind: 'leave'; readonly afterChunks: number; readonly withinMs: number }
  /** The reader takes so many bytes a second. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** The server is killed with SIGKILL after some chunks and started again; the reader resumes. */
  | { readonly kind: 'restart'; readonly afterChunks: number }
