import { type PropertyDeclarations, css, html, nothing } from 'lit'
import { Announcer } from '../base/announcer.ts'
import { onFrame } from '../base/frame.ts'
import { pick, valueText } from '../base/pick.ts'
import { StreamElement } from '../base/stream-element.ts'
import { openFullSource } from '../source/full-source.ts'
import type { Item, SourceEnd } from '../source/source.ts'
import { controls } from '../theme/controls.ts'
import { MarkdownView } from './markdown-view.ts'
import { markdownStyles } from './markdown-styles.ts'

/** Chunks that say "the end" to clients without an outcome; not for people. */
const SENTINELS = new Set<unknown>(['[DONE]', '[COMPLETE]'])

/** Separator between two chunks. */
const JOINTS = { none: '', space: ' ', line: '\n', paragraph: '\n\n' } as const

/**
 * Shows the text of a stream as it arrives.
 *
 * @tagname stream-text
 * @csspart text - The text.
 * @csspart error - What went wrong, and the button that tries again.
 */
export class StreamText extends StreamElement {
  static override styles = [
    ...super.styles,
    controls,
    markdownStyles,
    css`
      .raw {
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .error {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        align-items: center;
        margin-block-start: 8px;
        color: var(--failed);
        font-size: var(--size-2);
      }
      .error .btn {
        color: var(--text);
      }
    `,
  ]

  static override properties: PropertyDeclarations = {
    markdown: { type: Boolean },
    join: {},
    path: {},
    quiet: { type: Boolean },
    labels: { attribute: false },
  }

  /** The text is Markdown. */
  declare markdown: boolean
  /** Separator between two chunks: `none`, `space`, `line` or `paragraph`. Default: none. */
  declare join: 'none' | 'space' | 'line' | 'paragraph'
  /**
   * Path of the text in a JSON chunk, such as `message.text`. Default: only text chunks are shown.
   */
  declare path: string
  /** Sentences are not announced to screen readers. */
  declare quiet: boolean
  /** The words that the element shows. */
  declare labels: Partial<{ retry: string; copy: string; copied: string }>

  protected override readonly opener = openFullSource
  readonly #announcer = new Announcer()
  readonly #body = document.createElement('div')
  #markdown: MarkdownView | null = null
  #pending = ''
  #text = ''
  readonly #commitSoon = (): void => this.#commit()

  constructor() {
    super()
    this.markdown = false
    this.join = 'none'
    this.path = ''
    this.quiet = false
    this.labels = {}
    this.#body.part.add('text')
  }

  /** All text so far. */
  get text(): string {
    return this.#text
  }

  /** Appends text that comes from elsewhere than the source. */
  appendText(text: string): void {
    const joint = this.#text === '' ? '' : (JOINTS[this.join] ?? '')
    this.#text += joint + text
    this.#pending += joint + text
    onFrame(this.#commitSoon)
  }

  /** Removes the text. */
  clear(): void {
    this.#text = ''
    this.#pending = ''
    this.#markdown = null
    this.#body.replaceChildren()
  }

  protected override onStart(): void {
    this.clear()
  }

  protected override onItem({ kind, content }: Item): void {
    if (SENTINELS.has(content)) return
    if (kind === 'replace') {
      const text = pick(content, 'text') ?? content
      this.clear()
      this.appendText(valueText(text))
    } else if (kind === 'text') this.appendText(String(content))
    else if (kind === 'json' && this.path !== '') this.appendText(valueText(pick(content, this.path)))
  }

  protected override onEnd(_end: SourceEnd): void {
    this.#commit()
    this.#markdown?.end()
    this.#announcer.flush()
  }

  #commit(): void {
    const text = this.#pending
    this.#pending = ''
    if (text === '') return
    if (this.markdown) {
      if (this.#markdown === null) {
        this.#markdown = new MarkdownView({ ...this.#labels, onText: (part) => this.#announce(part) })
        this.#body.replaceChildren(this.#markdown.element)
      }
      this.#markdown.write(text)
      return
    }
    const last = this.#body.lastChild
    if (last instanceof Text) last.appendData(text)
    else this.#body.append(text)
    this.#announce(text)
  }

  #announce(text: string): void {
    if (!this.quiet) this.#announcer.write(text)
  }

  get #labels(): { retry: string; copy: string; copied: string } {
    return { retry: 'Retry', copy: 'Copy', copied: 'Copied', ...this.labels }
  }

  override render(): unknown {
    const { state, message } = this.status
    const isWriting = state === 'streaming' || state === 'reconnecting' || state === 'connecting'
    this.#body.className = `${this.markdown ? '' : 'raw'} ${isWriting ? 'writing' : ''}`
    this.#body.dir = 'auto'
    return html`${this.#body}${this.#announcer.element}
    ${
      state === 'failed'
        ? html`<div class="error" part="error" role="alert">
            <span>${message}</span>
            <button type="button" class="btn" @click=${() => this.start()}>${this.#labels.retry}</button>
          </div>`
        : nothing
    }`
  }
}
