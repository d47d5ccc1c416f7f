import { TextDecoder } from 'node:util'
import type { StreamstackError, Value } from '@streamstack/protocol'
import { type EventSourceMessage, type EventSourceParser, createParser } from 'eventsource-parser'
import type { ItemDecoder, ItemDecoderOptions } from '../outbound/index.ts'
import { LineDecoder, itemTooLarge, upstreamText } from '../outbound/index.ts'
import { cutFault, garbledFault, toldFault } from './fault.ts'
import { JsonDocument } from './json-document.ts'
import { jsonOf, objectOf } from './json.ts'

/** A document in the middle of an event stream is read this far, for the error that it reports. */
const FOREIGN_CHARACTERS_MAX = 64 * 1024

/** Takes the frames of a body. */
export interface FrameReader {
  take(data: string, event: string | undefined, items: Value[]): void
  /** Takes a document that the whole body consists of. Returns false when it is no answer. */
  takeWhole(document: Value, items: Value[]): boolean
  /** Nothing more belongs to the answer, whatever stands in the same bytes. */
  isOver(): boolean
}

/** One JSON document that stands in the place of a stream: an answer in one piece, or an error. */
class WholeBody {
  readonly #host: string
  readonly #charactersMax: number
  readonly #reader: FrameReader
  readonly #document = new JsonDocument()

  constructor({ host, itemCharactersMax }: ItemDecoderOptions, reader: FrameReader) {
    this.#host = host
    this.#charactersMax = itemCharactersMax
    this.#reader = reader
  }

  push(text: string, items: Value[]): void {
    if (this.#reader.isOver()) return
    const isWhole = this.#document.push(text)
    if (this.#document.length > this.#charactersMax) throw itemTooLarge(this.#host, this.#charactersMax)
    if (isWhole) this.#read(items)
  }

  end(): void {
    if (!this.#reader.isOver()) throw cutFault(this.#host)
  }

  #read(items: Value[]): void {
    const text = this.#document.text()
    const document = jsonOf(text)
    const reported = reportedError(this.#host, document)
    if (reported !== null) throw reported
    if (document !== undefined && this.#reader.takeWhole(document, items)) return
    throw garbledFault(this.#host, document === undefined ? NO_JSON : NO_ANSWER, upstreamText(text))
  }
}

const NO_JSON = 'what is not valid JSON'
const NO_ANSWER = 'a JSON document that is no answer of a model'

/** The error that a document reports in place of an answer; null: none. Answers may hold `error: null`. */
function reportedError(host: string, document: Value | undefined): StreamstackError | null {
  const outer = objectOf(Array.isArray(document) ? document[0] : document)
  return (outer?.['error'] ?? null) === null ? null : toldFault(host, outer)
}

const BRACKET = /^[{[]/

/** One JSON document a line. A document over several lines is a whole body. */
export class LineFrames extends LineDecoder {
  readonly #options: ItemDecoderOptions
  readonly #reader: FrameReader
  #isFresh = true
  #whole: WholeBody | null = null

  constructor(options: ItemDecoderOptions, reader: FrameReader) {
    super(options)
    this.#options = options
    this.#reader = reader
  }

  override end(items: Value[]): void {
    super.end(items)
    this.#whole?.end()
  }

  protected override take(line: string, items: Value[]): void {
    if (this.#whole !== null) return this.#whole.push(`${line}\n`, items)
    if (line.trim() === '') return
    if (this.#isFresh && BRACKET.test(line) && jsonOf(line) === undefined) {
      this.#whole = new WholeBody(this.#options, this.#reader)
      return this.#whole.push(`${line}\n`, items)
    }
    this.#isFresh = false
    this.#reader.take(line, undefined, items)
  }
}

/** No line of an event stream begins with another character: fields are data, event, id and retry, comments begin with a colon. */
const FOREIGN_START = /^[^:deir\s\uFEFF]/
const FOREIGN_LINE = /[\r\n][^:deir\s]/

/**
 * The data of server-sent events. An event at the very end counts without its blank line. A body that begins with a bracket is one JSON
 * document. A later line that cannot belong to an event stream begins a document of another kind, which is how gateways report errors under
 * status 200: it is read for its error.
 */
export class SseFrames implements ItemDecoder {
  readonly #options: ItemDecoderOptions
  readonly #host: string
  readonly #text = new TextDecoder()
  readonly #reader: FrameReader
  readonly #parser: EventSourceParser
  #items: Value[] = []
  #failure: StreamstackError | undefined
  /** Nothing but white space has come. */
  #isFresh = true
  #whole: WholeBody | null = null
  /** Whether the next character opens a line: bytes may end between two lines. */
  #atLineStart = true
  /** Pieces of a document in the middle of the stream; null: none has begun. */
  #foreign: string | null = null

  constructor(options: ItemDecoderOptions, reader: FrameReader) {
    const { host, itemCharactersMax } = options
    this.#options = options
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
    if (this.#whole !== null) return this.#whole.end()
    if (this.#foreign !== null) throw this.#foreignFault(jsonOf(this.#foreign), this.#foreign)
    // The first break may be the second half of a CRLF, the next ends the line, the last ends the event.
    this.#parser.feed('\n\n\n')
    if (this.#failure !== undefined && !this.#reader.isOver()) throw this.#failure
  }

  #feed(text: string): void {
    if (text === '') return
    if (this.#isFresh) this.#begin(text)
    if (this.#whole !== null) return this.#whole.push(text, this.#items)
    if (this.#foreign !== null) return this.#readForeign(text)
    const foreign = this.#foreignLineAt(text)
    this.#parser.feed(foreign === -1 ? text : text.slice(0, foreign))
    const last = text.charCodeAt(text.length - 1)
    this.#atLineStart = last === 10 || last === 13
    if (this.#reader.isOver()) return
    if (this.#failure !== undefined) throw this.#failure
    if (foreign !== -1) this.#readForeign(text.slice(foreign))
  }

  /** Servers send white space to keep a connection open while they make an answer in one piece. */
  #begin(text: string): void {
    const content = text.trimStart()
    if (content === '') return
    this.#isFresh = false
    if (BRACKET.test(content)) this.#whole = new WholeBody(this.#options, this.#reader)
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
    return (
      reportedError(this.#host, document) ??
      garbledFault(this.#host, 'what is not a server-sent event', upstreamText(text))
    )
  }
}
