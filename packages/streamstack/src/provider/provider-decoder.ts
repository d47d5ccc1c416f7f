import { TextDecoder } from 'node:util'
import type { StreamstackError, Value } from '@streamstack/protocol'
import { type EventSourceMessage, type EventSourceParser, createParser } from 'eventsource-parser'
import type { ItemDecoder, ItemDecoderOptions } from '../outbound/index.ts'
import { LineDecoder, itemTooLarge, upstreamText } from '../outbound/index.ts'
import { parseExactJson } from '../text/parse-exact-json.ts'
import { type Answer, type AnswerTimes, finish } from './answer.ts'
import type { Dialect } from './dialect.ts'
import { cutFault, garbledFault, toldFault } from './fault.ts'
import type { ProviderItem } from './item.ts'
import { objectOf } from './json.ts'
import { WholeCharacters } from './whole-characters.ts'

const DONE = '[DONE]'

/** A document that is no event stream is read this far, for the error that it tells of. */
const FOREIGN_CHARACTERS_MAX = 64 * 1024

/**
 * Makes items of the bytes of a provider's answer. The answer is complete with its provider's mark and an end of the body, or with a mark
 * that is final by itself; anything else is one error.
 */
export class ProviderDecoder implements ItemDecoder {
  readonly answer: Answer
  readonly times: AnswerTimes = { firstContentMs: 0, lastContentMs: 0, endMs: 0 }
  readonly #dialect: Dialect
  readonly #frames: ItemDecoder
  readonly #host: string
  readonly #characters = new WholeCharacters()
  /** A frame that only the end of the body completed may have been cut. */
  #isEnding = false

  constructor(dialect: Dialect, answer: Answer, options: ItemDecoderOptions) {
    this.answer = answer
    this.#dialect = dialect
    this.#host = options.host
    const reader: FrameReader = {
      take: (data, event, items) => this.#read(data, event, items),
      isOver: () => answer.isOver,
    }
    this.#frames = dialect.framing === 'sse' ? new SseFrames(options, reader) : new LineFrames(options, reader)
  }

  push(bytes: Uint8Array, items: Value[]): boolean {
    const before = items.length
    try {
      this.#frames.push(bytes, items)
    } finally {
      this.#noteTimes(items, before)
    }
    return this.#isOver(items)
  }

  end(items: Value[]): void {
    const { answer } = this
    if (answer.isOver) return
    const before = items.length
    this.#isEnding = true
    try {
      this.#frames.end(items)
    } finally {
      this.#noteTimes(items, before)
    }
    if (!answer.isComplete) throw cutFault(this.#host)
    answer.isOver = true
    this.#finish(items)
  }

  #isOver(items: Value[]): boolean {
    if (!this.answer.isOver) return false
    this.#finish(items)
    return true
  }

  #finish(items: Value[]): void {
    this.times.endMs = performance.now()
    this.#characters.end(items as ProviderItem[])
    finish(this.answer, items as ProviderItem[])
  }

  #noteTimes(items: Value[], before: number): void {
    if (items.length === before) return
    const nowMs = performance.now()
    if (this.times.firstContentMs === 0) {
      const hasContent = items.slice(before).some((item) => (item as ProviderItem).kind !== 'status')
      if (!hasContent) return
      this.times.firstContentMs = nowMs
    }
    this.times.lastContentMs = nowMs
  }

  /** Reads one frame; what follows the end in the same bytes is not part of the answer. */
  #read(data: string, event: string | undefined, items: Value[]): void {
    const { answer } = this
    // Frames without data keep a connection open.
    if (answer.isOver || (data.trim() === '' && event !== 'error')) return
    // Groq names the event of an error, whatever its data says.
    if (event === 'error') throw toldFault(this.#host, jsonOf(data) ?? { message: data })
    if (data.trim() === DONE) {
      if (!answer.isComplete) throw cutFault(this.#host)
      answer.isOver = true
      return
    }
    const frame = objectOf(this.#parsed(data))
    if (frame === null) throw garbledFault(this.#host, 'what is not an object', upstreamText(data))
    const before = items.length
    this.#dialect.read(answer, frame, items as ProviderItem[])
    this.#characters.join(items as ProviderItem[], before)
  }

  #parsed(data: string): Value {
    try {
      return parseExactJson(data)
    } catch (cause) {
      throw this.#isEnding ? cutFault(this.#host, cause) : garbledFault(this.#host, 'what is not valid JSON', cause)
    }
  }
}

/** What takes the frames of a body. */
interface FrameReader {
  take(data: string, event: string | undefined, items: Value[]): void
  /** Nothing more belongs to the answer, whatever stands in the same bytes. */
  isOver(): boolean
}

/** One JSON document a line. */
class LineFrames extends LineDecoder {
  readonly #reader: FrameReader

  constructor(options: ItemDecoderOptions, reader: FrameReader) {
    super(options)
    this.#reader = reader
  }

  protected override take(line: string, items: Value[]): void {
    if (line.trim() !== '') this.#reader.take(line, undefined, items)
  }
}

/** No line of an event stream begins with another character: fields are data, event, id and retry, comments begin with a colon. */
const FOREIGN_START = /^[^:deir\s\uFEFF]/
const FOREIGN_LINE = /[\r\n][^:deir\s]/

/**
 * The data of server-sent events. An event at the very end counts without its blank line. A line that cannot belong to an event stream
 * begins a document of another kind, which is how gateways report errors under status 200: it is read for its error.
 */
class SseFrames implements ItemDecoder {
  readonly #host: string
  readonly #text = new TextDecoder()
  readonly #reader: FrameReader
  readonly #parser: EventSourceParser
  #items: Value[] = []
  #failure: StreamstackError | undefined
  /** Whether the next character opens a line: bytes may end between two lines. */
  #atLineStart = true
  /** Pieces of a document that is no event stream; null: none has begun. */
  #foreign: string | null = null

  constructor({ host, itemCharactersMax }: ItemDecoderOptions, reader: FrameReader) {
    this.#host = host
    this.#reader = reader
    this.#parser = createParser({
      maxBufferSize: itemCharactersMax,
      onEvent: ({ data, event }: EventSourceMessage) => {
        if (this.#failure === undefined) reader.take(data, event, this.#items)
      },
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') this.#failure ??= itemTooLarge(host, itemCharactersMax)
      },
    })
  }

  push(bytes: Uint8Array, items: Value[]): boolean {
    this.#items = items
    this.#feed(this.#text.decode(bytes, { stream: true }))
    return false
  }

  end(items: Value[]): void {
    this.#items = items
    this.#feed(this.#text.decode())
    if (this.#foreign !== null) throw this.#foreignFault(jsonOf(this.#foreign), this.#foreign)
    // The first break may be the second half of a CRLF, the next ends the line, the last ends the event.
    this.#parser.feed('\n\n\n')
    if (this.#failure !== undefined && !this.#reader.isOver()) throw this.#failure
  }

  #feed(text: string): void {
    if (text === '') return
    if (this.#foreign !== null) return this.#readForeign(text)
    const foreign = this.#foreignLineAt(text)
    this.#parser.feed(foreign === -1 ? text : text.slice(0, foreign))
    const last = text.charCodeAt(text.length - 1)
    this.#atLineStart = last === 10 || last === 13
    if (this.#reader.isOver()) return
    if (this.#failure !== undefined) throw this.#failure
    if (foreign !== -1) this.#readForeign(text.slice(foreign))
  }

  #foreignLineAt(text: string): number {
    if (this.#atLineStart && FOREIGN_START.test(text)) return 0
    const found = text.search(FOREIGN_LINE)
    return found === -1 ? -1 : found + 1
  }

  /** The document is read to its end, which is that of the body or where it is complete at the end of a line. */
  #readForeign(text: string): void {
    const read = (this.#foreign ?? '').length
    const all = (this.#foreign ?? '') + text
    this.#foreign = all
    for (let end = all.indexOf('\n', read); end !== -1; end = all.indexOf('\n', end + 1)) {
      const document = jsonOf(all.slice(0, end))
      if (document !== undefined) throw this.#foreignFault(document, all)
    }
    if (all.length > FOREIGN_CHARACTERS_MAX) throw this.#foreignFault(undefined, all)
  }

  #foreignFault(document: Value | undefined, text: string): StreamstackError {
    const told = objectOf(Array.isArray(document) ? document[0] : document)
    if (told?.['error'] !== undefined) return toldFault(this.#host, told)
    return garbledFault(this.#host, 'what is not a server-sent event', upstreamText(text))
  }
}

function jsonOf(text: string): Value | undefined {
  try {
    return JSON.parse(text) as Value
  } catch {
    return undefined
  }
}
