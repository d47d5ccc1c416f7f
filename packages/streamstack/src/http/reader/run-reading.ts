import type { StreamstackError } from '@streamstack/protocol'
import { type Caller, GuardedSource } from '../../access/index.ts'
import type { RunView } from '../../engine/index.ts'
import type { PlainAnswer, Stream, StreamReader } from '../../stream/index.ts'
import type { Select } from '../../stream/reading.ts'

/**
 * A run for the readers of its caller. Unless `auth.on_expiry` says otherwise, what has begun is read to its end: what bounds it is how long the run may
 * take.
 */
export class RunReading extends GuardedSource {
  override readonly run: string
  readonly url: string
  readonly #view: RunView
  readonly #endsWithToken: boolean
  readonly #mayRead: ((caller: Caller) => void) | undefined

  /** `endsWithToken`: by `auth.on_expiry`. `mayRead`: throws when a caller may no longer read the run of another; absent: it is the caller's own. */
  constructor(view: RunView, caller: Caller, endsWithToken: boolean, mayRead?: (caller: Caller) => void) {
    super(caller)
    this.#mayRead = mayRead
    this.#endsWithToken = endsWithToken
    this.#view = view
    this.run = view.run
    this.url = view.url
  }

  get stream(): Stream {
    return this.#view.stream
  }

  override get contentType(): string | undefined {
    return this.#view.contentType
  }

  override get responseHeaders(): ReadonlyMap<string, string> {
    return this.#view.responseHeaders
  }

  get plainAnswer(): PlainAnswer | null {
    return this.#view.plainAnswer ?? null
  }

  override get failure(): StreamstackError | null {
    return this.#view.failure
  }

  override get expiresAtMs(): number | null {
    return this.#endsWithToken ? super.expiresAtMs : null
  }

  protected override selection(): Select | null {
    return this.#view.select
  }

  /** The token that is accepted speaks for the same subject; for a run of another, `allow_read` must still hold. */
  protected check(caller: Caller): void {
    this.#mayRead?.(caller)
  }

  protected attached(reader: StreamReader): void {
    this.#view.attach(reader)
  }

  protected detached(reader: StreamReader): void {
    this.#view.detach(reader)
  }

  override answerBegan(): void {
    this.#view.answerBegan()
  }
}
