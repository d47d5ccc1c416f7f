import { TextDecoder } from 'node:util'
import { StreamstackError } from '@streamstack/protocol'
import { incomplete, outcomeOf } from './own-end.ts'
import type { Value } from '@streamstack/protocol'
import { createParser } from 'eventsource-parser'
import type { EventSourceMessage, EventSourceParser } from 'eventsource-parser'
import { parseExactJson } from '../text/parse-exact-json.ts'
import type { ItemDecoder, ItemFormatOptions } from './item-decoder.ts'
import { isErrorFrame, malformedItem, reportedError } from './error-frame.ts'
import { itemTooLarge } from './item-failure.ts'
import { upstreamText } from './upstream-text.ts'

/** How chat services mark the last event. */
const DONE = '[DONE]'

/** A line that opens with one of these is a bare JSON or HTML document, which no field of an event stream looks like. */
const FOREIGN_LINE = /[\r\n][{[<]/
const FOREIGN_START = /^[{[<]/

const JSON_START = /^\s*[{["\-\dtfn]/
const STRUCTURED_START = /^\s*[{["]/

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) as items.
 *
 * `data`: an item is the event's data, parsed when it is JSON. `[DONE]` ends the items; `event: error`, an error frame and broken JSON are
 * failures. `text`: an item is the event's data as it is.
 * `events`: an item is `{event, id, data}`, of every event as it came, for stacks that read marks and errors themselves.
 *
 * Two things go beyond the standard, because services depend on them: an event at the very end counts without its
 * blank line, and a line that opens a JSON or HTML document is a failure instead of being skipped, since that is how
 * gateways report errors under status 200.
 */
export class SseDecoder implements ItemDecoder {
  isMarked = false
  readonly #host: string
  readonly #itemCharactersMax: number
  readonly #mode: 'data' | 'events' | 'text'
  readonly #marks: ItemFormatOptions['marks']
  readonly #passesBadItems: boolean
  readonly #text = new TextDecoder()
  readonly #parser: EventSourceParser
  #items: Value[] = []
  #failure: StreamstackError | undefined
  #done = false
  /** Whether the next character opens a line: a chunk may end between two lines. */
  #atLineStart = true
  /** Whether items have been plain words: then a brace or bracket at the start of one is only a character. */
  #isPlain = false
  /** An event that only the end of the body completed may have been cut. */
  #flushing = false

  constructor(mode: 'data' | 'events' | 'text', { host, itemCharactersMax, marks, passesBadItems }: ItemFormatOptions) {
    this.#host = host
    this.#itemCharactersMax = itemCharactersMax
    this.#mode = mode
    this.#marks = marks
    this.#passesBadItems = passesBadItems || mode !== 'data'
    this.#parser = createParser({
      maxBufferSize: itemCharactersMax,
      onEvent: (message) => this.#take(message),
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') this.#failure ??= itemTooLarge(host, itemCharactersMax)
      },
    })
  }

  push(bytes: Uint8Array, items: Value[]): boolean {
    this.#items = items
    this.#feed(this.#text.decode(bytes, { stream: true }))
    return this.#done
  }

  end(items: Value[]): void {
    this.#items = items
    this.#feed(this.#text.decode())
    this.#flushing = true
    // The first break may be the second half of a CRLF, the next ends the line, the last ends the event.
    this.#parser.feed('\n\n\n')
    if (this.#failure !== undefined && !this.#done) throw this.#failure
  }

  #feed(text: string): void {
    if (text === '') return
    const foreign = this.#foreignLineAt(text)
    this.#parser.feed(foreign === -1 ? text : text.slice(0, foreign))
    const last = text.charCodeAt(text.length - 1)
    this.#atLineStart = last === 10 || last === 13
    if (this.#done) return
    if (foreign !== -1) {
      this.#failure ??= new StreamstackError('upstream_failed', `${this.#host} sent what is not a server-sent event.`, {
        cause: upstreamText(text.slice(foreign)),
      })
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  #foreignLineAt(text: string): number {
    if (this.#atLineStart && FOREIGN_START.test(text)) return 0
    const found = text.search(FOREIGN_LINE)
    return found === -1 ? -1 : found + 1
  }

  #take(message: EventSourceMessage): void {
    // What follows the end or a failure in the same bytes is not part of the answer any more.
    if (this.#done || this.#failure !== undefined) return
    const { data, event, id } = message
    if (data.length > this.#itemCharactersMax) {
      this.#failure = itemTooLarge(this.#host, this.#itemCharactersMax)
    } else if (this.#marks?.isText(data) === true) {
      this.isMarked = true
      this.#done = true
    } else if (this.#mode === 'events') {
      this.#items.push({ event: event ?? 'message', id: id ?? null, data: this.#value(data) })
    } else if (data.trim() === DONE) {
      this.#done = true
    } else if (event === 'error' && (this.#mode === 'text' || !this.#passesBadItems)) {
      this.#failure = reportedError(this.#host, data)
    } else if (this.#mode === 'text' && event !== 'end') {
      this.#items.push(data)
    } else this.#takeData(data, event === 'end')
  }

  #takeData(data: string, isEnd: boolean): void {
    const value = this.#value(data)
    const outcome = isEnd ? outcomeOf(value) : null
    if (outcome === 'completed') {
      this.#done = true
      // A mark that the step names must come all the same.
      this.isMarked = this.#marks === null
    } else if (outcome !== null) this.#failure = incomplete(this.#host, outcome)
    else if (!this.#passesBadItems && isErrorFrame(value)) this.#failure = reportedError(this.#host, data)
    else this.#items.push(this.#mode === 'text' ? data : value)
  }

  #value(data: string): Value {
    // A failed parse costs many times what this test does, and plain words are most of what comes.
    if (!JSON_START.test(data)) {
      this.#isPlain = true
      return data
    }
    const structured = STRUCTURED_START.test(data)
    try {
      const value = parseExactJson(data)
      // `1.0` or a long number is text that JSON would change: only what survives the round trip is a value.
      return structured || JSON.stringify(value) === data ? value : data
    } catch (cause) {
      if (structured && this.#flushing) {
        const message = `${this.#host} ended its answer in the middle of an event.`
        throw new StreamstackError('upstream_failed', message, { cause })
      }
      if (structured && !this.#isPlain && !this.#passesBadItems) throw malformedItem(this.#host, data, cause)
      if (!structured) this.#isPlain = true
      return data
    }
  }
}
