import type { Value } from '@streamstack/protocol'
import { type ItemDecoder, type ItemDecoderOptions, upstreamText } from '../outbound/index.ts'
import { parseExactJson } from '../text/parse-exact-json.ts'
import { type Answer, type AnswerTimes, finish } from './answer.ts'
import type { Dialect } from './dialect.ts'
import { cutFault, garbledFault, toldFault } from './fault.ts'
import type { ProviderItem } from './item.ts'
import { jsonOf, objectOf } from './json.ts'
import { type FrameReader, LineFrames, SseFrames } from './provider-frames.ts'
import { WholeCharacters } from './whole-characters.ts'

const DONE = '[DONE]'

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
      takeWhole: (document, items) => this.#readWhole(document, items),
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

  /** Reads an answer in one piece, as servers send it that ignore `stream`. */
  #readWhole(document: Value, items: Value[]): boolean {
    const { answer } = this
    const frames = this.#dialect.framesOf(document)
    if (frames === null) return false
    for (const frame of frames) {
      const read: ProviderItem[] = []
      this.#dialect.read(answer, frame, read)
      this.#characters.join(read, 0)
      // Frames that were made of the document are nothing that the provider sent.
      for (const item of read) items.push(item.raw === null ? item : { ...item, raw: document })
    }
    if (!answer.isComplete) throw cutFault(this.#host)
    answer.isOver = true
    return true
  }

  #parsed(data: string): Value {
    try {
      return parseExactJson(data)
    } catch (cause) {
      throw this.#isEnding ? cutFault(this.#host, cause) : garbledFault(this.#host, 'what is not valid JSON', cause)
    }
  }
}
