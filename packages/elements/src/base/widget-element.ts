import { type PropertyDeclarations, type PropertyValues, html, nothing } from 'lit'
import { readHistory } from '../source/history.ts'
import { subscribeShared } from '../source/shared-source.ts'
import type { Item } from '../source/source.ts'
import { Freshness } from './freshness.ts'
import { onFrame } from './frame.ts'
import { numberAttribute } from './gauge-state.ts'
import { pick } from './pick.ts'
import { StreamElement } from './stream-element.ts'

/** The words that all widgets share. `{n}` is a number of seconds. */
export const WIDGET_LABELS = {
  noData: 'No data yet',
  stale: 'no data for {n} s',
  failed: 'failed',
  retry: 'Retry',
} as const

/**
 * A widget of a dashboard: it shares one reading of its source with all others of the page, may begin with history, draws at most once a frame, and says when its data
 * is stale.
 */
export class WidgetElement extends StreamElement {
  static override properties: PropertyDeclarations = {
    heading: {},
    history: {},
    stale: numberAttribute,
    labels: { attribute: false },
  }

  /** Title of the widget. */
  declare heading: string
  /** A stream that is read once, up to now, before the source: so that the widget does not begin empty. */
  declare history: string
  /** Seconds without data after which it says so. Default: 30. */
  declare stale: number | null
  /** The words that the element shows. */
  declare labels: Readonly<Record<string, string>>

  protected override readonly opener = subscribeShared
  protected override readonly follows = true
  protected readonly freshness = new Freshness(this)
  #past: AbortController | null = null
  readonly #drawSoon = (): void => this.draw()

  constructor() {
    super()
    this.heading = ''
    this.history = ''
    this.stale = null
    this.labels = {}
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#past?.abort()
  }

  /** Adds a value as if the source had sent it. */
  push(value: unknown, timeMs = Date.now()): void {
    this.freshness.touch()
    this.onValue(value, timeMs)
    onFrame(this.#drawSoon)
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (changed.has('stale')) this.freshness.staleMs = (this.stale ?? 30) * 1_000
  }

  protected override onStart(): void {
    this.onReset()
    this.#past?.abort()
    if (this.history === '') return
    const past = (this.#past = new AbortController())
    void readHistory(this.history, this.source, past.signal).then((values) => {
      if (past.signal.aborted || values.length === 0) return
      this.freshness.touch()
      for (const value of values) this.onPast(value, timeOf(value) ?? Date.now())
      onFrame(this.#drawSoon)
    })
  }

  protected override onItem({ kind, content, metadata }: Item): void {
    if (kind !== 'json' && kind !== 'text') return
    this.push(content, timeOf(content) ?? timeOf(metadata) ?? Date.now())
  }

  protected onReset(): void {}
  protected onValue(_value: unknown, _timeMs: number): void {}
  /** A value of the history. */
  protected onPast(value: unknown, timeMs: number): void {
    this.onValue(value, timeMs)
  }
  /** Puts what came on the screen; once a frame. */
  protected draw(): void {
    this.requestUpdate()
  }

  /** The state of the widget where it is not simply live: a pill with words. */
  protected renderState(): unknown {
    const words = { ...WIDGET_LABELS, ...this.labels }
    const { state, message } = this.status
    if (state === 'failed') {
      return html`<span class="pill failed" title=${message ?? ''}>${words.failed}</span>
        <button type="button" class="link" @click=${() => this.retry()}>${words.retry}</button>`
    }
    if (state === 'reconnecting' || state === 'offline') return html`<span class="pill caught">${state}</span>`
    const { staleSeconds } = this.freshness
    return staleSeconds === null
      ? nothing
      : html`<span class="pill caught">${words.stale.replace('{n}', String(staleSeconds))}</span>`
  }
}

/** Returns the time of a value, from `time`, `timestamp` or `at`; null if it has none. */
function timeOf(value: unknown): number | null {
  for (const name of ['time', 'timestamp', 'at']) {
    const time = pick(value, name)
    // Seconds before the year 5138 have fewer digits than milliseconds since 1973.
    if (typeof time === 'number' && Number.isFinite(time)) return time < 1e11 ? time * 1_000 : time
    if (typeof time === 'string' && /^\d{4}-\d\d-\d\d[T ]/.test(time)) {
      const ms = Date.parse(time)
      if (!Number.isNaN(ms)) return ms
    }
  }
  return null
}
