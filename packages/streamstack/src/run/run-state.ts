import type { Outcome } from '@streamstack/protocol'
import type { OpenConversation } from '../conversation/index.ts'
import type { RunUsage } from '../provider/index.ts'
import type { AttachedFilter } from './chunk-filter.ts'
import type { PlainAnswer } from '../stream/index.ts'
import type { CaughtError, Frame } from './frame.ts'
import type { PendingText } from './pending-text.ts'
import type { SmoothText } from './smoother.ts'

/** How the caller wants the answer to arrive, from the option `chunk_size` and `delay`. */
export interface StreamOptions {
  /** Words per chunk; null: as the stack sends it. */
  readonly chunkSize: number | null
  /** Between chunks, by the pacing of the step; 0: none, whatever the step says; null: as the step says. */
  readonly delayMs: number | null
}

/** What pacing remembers of a chunk. */
export interface PacedChunk {
  /** When it went out, milliseconds since the run began. */
  readonly atMs: number
  /** Characters of its text; 1 for other content. */
  readonly length: number
  /** The last character that is no white space. */
  readonly end: string
}

/**
 * The complete state of a run as plain data (structured-cloneable). Together with its plan and its stream it is enough to continue the run
 * in another process; only upstream answers that are open cannot move.
 */
export interface RunState {
  readonly id: string
  /** Name of the endpoint, for the log. */
  readonly endpoint: string
  /** Hash of the plan: positions in frames and filters mean something in this plan alone. */
  readonly plan: string
  readonly options: StreamOptions | null
  /** Length of the chain of calls within this server that led to this run. */
  readonly hops: number
  /** The frame of the endpoint's stack; it holds those of calls and branches. */
  readonly frame: Frame
  /** Milliseconds since 1970. */
  readonly startedAtMs: number
  chunksSent: number
  /** Characters of content and metadata. */
  bytesSent: number
  /** Rounds of all loops together. */
  iterations: number
  /** Whether the headers of the answer are out. */
  headersSent: boolean
  /** Headers that the stack set, by name; they go out with the first chunk. */
  responseHeaders: Map<string, string> | null
  /** The last chunk that was paced: the pause behind it counts from there. Null: none was. */
  paced: PacedChunk | null
  /** The plain answer for callers that request no stream; null if no step has set one. */
  plainAnswer: PlainAnswer | null
  /** The unsent rest of joined deltas. */
  pending: PendingText | null
  /** Text that is sent at an even pace. */
  smooth: SmoothText | null
  /** Subject of the caller; null: a caller without a token. */
  readonly subject: string | null
  /** The conversation that the run has to itself, and what it has replied so far; null: none. */
  conversation: OpenConversation | null
  /** Usage of its model calls; null if it made none. */
  usage: RunUsage | null
  /** Numbers of the upstream answers that are open, as frames hold them. */
  openSources: number[] | null
  /** Filters that are attached to what the run sends, in the order in which chunks pass them. */
  filters: AttachedFilter[] | null
  /** How the run is being ended from outside (cancel, limit); null while it is not. */
  ending: { readonly outcome: Outcome; readonly error: CaughtError } | null
}

export interface NewRun {
  id: string
  endpoint: string
  plan: string
  options: StreamOptions | null
  frame: Frame
  hops?: number
  subject?: string | null
}

/** The state in which a run begins. */
export function newRunState({ id, endpoint, plan, options, frame, hops = 0, subject = null }: NewRun): RunState {
  return {
    id,
    endpoint,
    plan,
    options,
    hops,
    frame,
    startedAtMs: Date.now(),
    chunksSent: 0,
    bytesSent: 0,
    iterations: 0,
    headersSent: false,
    responseHeaders: null,
    paced: null,
    plainAnswer: null,
    pending: null,
    smooth: null,
    subject,
    conversation: null,
    usage: null,
    openSources: null,
    filters: null,
    ending: null,
  }
}
