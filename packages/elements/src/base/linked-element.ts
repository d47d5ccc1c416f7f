import type { PropertyDeclarations } from 'lit'
import { openFullSource } from '../source/full-source.ts'
import { IDLE, type OpenSource, type SourceStatus } from '../source/source.ts'
import { StreamElement } from './stream-element.ts'

/** Events of the element that is watched. */
const EVENTS = ['stream-start', 'stream-item', 'stream-status', 'stream-end'] as const

/**
 * An element that shows how the stream of another element does, which `for` names, so that a page reads it once; or that of a source of its own.
 */
export class LinkedElement extends StreamElement {
  static override properties: PropertyDeclarations = { for: {} }

  /** The `id` of the element to watch. */
  declare for: string
  protected override readonly opener = openFullSource
  #root: Node | null = null

  constructor() {
    super()
    this.for = ''
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#root = this.getRootNode()
    for (const name of EVENTS) this.#root.addEventListener(name, this.#heard)
    // The other element may stand further down the page.
    queueMicrotask(() => this.requestUpdate())
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    for (const name of EVENTS) this.#root?.removeEventListener(name, this.#heard)
    this.#root = null
  }

  /** The element that `for` names; null where there is none. */
  protected get target(): StreamElement | null {
    if (this.for === '' || !(this.#root instanceof Document || this.#root instanceof ShadowRoot)) return null
    const found = this.#root.getElementById(this.for)
    return found instanceof StreamElement ? found : null
  }

  /** Status of the watched stream. */
  protected get watched(): SourceStatus {
    return this.for === '' ? this.status : (this.target?.status ?? IDLE)
  }

  protected get watchedProgress(): OpenSource['progress'] | null {
    return this.for === '' ? this.progress : (this.target?.progress ?? null)
  }

  /** Opens the watched source again. */
  protected again(): void {
    const target = this.for === '' ? this : this.target
    target?.retry()
  }

  /** Something happened to the watched stream; `name` is that of the event. */
  protected onHeard(_name: string): void {
    this.requestUpdate()
  }

  readonly #heard = (event: Event): void => {
    const source = event.composedPath()[0]
    if (this.for === '' ? source === this : source === this.target) this.onHeard(event.type)
  }
}
