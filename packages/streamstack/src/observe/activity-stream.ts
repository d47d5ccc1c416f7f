import type { Outcome } from '@streamstack/protocol'
import type { StreamReader } from '../stream/index.ts'
import { errorLabel } from './error-label.ts'
import type { ModelUsage } from './model-counts.ts'
import { SystemStream } from './system-stream.ts'

/** A subject longer than this is cut: issuers choose it, and the log is to hold many calls. */
const CALLER_LENGTH_MAX = 200

/** A call that is over. */
export interface FinishedCall {
  /** Name of the endpoint. */
  readonly endpoint: string
  /** As it is declared, `GET /items/:id`: what stood in its place may be anything. */
  readonly route: string
  /** Whom the token names; null: the call had none. */
  readonly caller: string | null
  /** Null: no run began, or it has no owner, so that its id alone lets one read it. */
  readonly run: string | null
  /** Null: the call was refused. */
  readonly outcome: Outcome | null
  /** Of the HTTP answer. */
  readonly status: number
  readonly code: string | null
  readonly durationMs: number
  readonly chunks: number
  /** Characters of content and metadata, as `limits.max_bytes` counts them. */
  readonly bytes: number
  /** What its calls of models used; absent or null: it made none. */
  readonly usage?: ModelUsage | null
}

interface Entry {
  readonly call: FinishedCall
  readonly timeMs: number
  /** Refusals since the entry before that are told nowhere else. */
  readonly moreRefused: number
}

/** So many of the newest calls are kept for a reader that comes later. */
const UNREAD_MAX = 1_000

/**
 * The server refuses any number of calls of a client without a token, and these must not push out entries of other callers. The stream lists so many refusals in a
 * row, and after that one for so many runs that ended, and one a minute; the next entry counts the rest.
 */
const REFUSALS_MAX = 100
const RUNS_PER_REFUSAL = 4
const MS_PER_REFUSAL = 60_000

/** `system/activity`: who called what, and how it ended. No inputs, no content, no token, and no error message, which may hold any of them. */
export class ActivityStream extends SystemStream {
  /** The newest calls from times without a reader, from `#unreadCount % UNREAD_MAX` on: they are written for the next reader. */
  readonly #unread: Entry[] = []
  #unreadCount = 0
  /** Refusals that may be told now, in parts of one. */
  #refusalsLeft = REFUSALS_MAX
  /** When a refusal was last asked for, on the monotonic clock. */
  #refusedMs = 0
  /** Refusals since the last entry that were not. */
  #moreRefused = 0

  constructor() {
    super('system/activity')
  }

  callFinished(told: FinishedCall): void {
    if (!this.#mayTell(told)) {
      this.#moreRefused++
      return
    }
    const { caller } = told
    const call = caller !== null && caller.length > CALLER_LENGTH_MAX ? { ...told, caller: shortened(caller) } : told
    const entry: Entry = { call, timeMs: Date.now(), moreRefused: this.#moreRefused }
    this.#moreRefused = 0
    if (this.stream.readerCount > 0) this.#write(entry)
    else this.#unread[this.#unreadCount++ % UNREAD_MAX] = entry
  }

  override refresh(): void {
    const oldest = Math.max(0, this.#unreadCount - UNREAD_MAX)
    if (oldest > 0) this.log.skip(oldest)
    for (let index = oldest; index < this.#unreadCount; index++) {
      this.#write(this.#unread[index % UNREAD_MAX] as Entry)
    }
    this.#unread.length = 0
    this.#unreadCount = 0
  }

  override attach(reader: StreamReader): void {
    this.refresh()
    super.attach(reader)
  }

  #mayTell({ outcome }: FinishedCall): boolean {
    if (outcome !== null) {
      this.#refusalsLeft = Math.min(REFUSALS_MAX, this.#refusalsLeft + 1 / RUNS_PER_REFUSAL)
      return true
    }
    const nowMs = performance.now()
    this.#refusalsLeft = Math.min(REFUSALS_MAX, this.#refusalsLeft + (nowMs - this.#refusedMs) / MS_PER_REFUSAL)
    this.#refusedMs = nowMs
    if (this.#refusalsLeft < 1) return false
    this.#refusalsLeft--
    return true
  }

  #write({ call, timeMs, moreRefused }: Entry): void {
    this.append({
      time: new Date(timeMs).toISOString(),
      endpoint: call.endpoint,
      route: call.route,
      caller: call.caller,
      run: call.run,
      outcome: call.outcome ?? 'refused',
      status: call.status,
      error: call.code === null ? null : errorLabel(call.code),
      duration_ms: Math.round(call.durationMs * 1_000) / 1_000,
      chunks: call.chunks,
      bytes: call.bytes,
      ...(call.usage === undefined || call.usage === null ? {} : { usage: toldUsage(call.usage) }),
      ...(moreRefused === 0 ? {} : { more_refused: moreRefused }),
    })
  }
}

/** The totals alone: a run that called many models is still one line. */
function toldUsage(usage: ModelUsage): ModelUsage {
  const { calls, input_tokens, output_tokens, reasoning_tokens, cached_tokens, cost } = usage
  const { first_token_ms, tokens_per_second } = usage
  return {
    calls,
    input_tokens,
    output_tokens,
    reasoning_tokens,
    cached_tokens,
    cost,
    first_token_ms,
    tokens_per_second,
  }
}

/** A copy: a part of a text holds the whole of it in memory. */
function shortened(caller: string): string {
  return Buffer.from(`${caller.slice(0, CALLER_LENGTH_MAX).toWellFormed()}…`).toString()
}
