import type { Value } from '@streamstack/protocol'
import type { EndMarks } from './end-marks.ts'

/** Makes items of the bytes of one answer. Holds what is not complete yet, never more than `itemCharactersMax`. */
export interface ItemDecoder {
  /**
   * Whether the answer has said that it is complete, by a text mark or the outcome of another Streamstack server; absent: the decoder itself
   * fails where it does not.
   */
  readonly isMarked?: boolean
  /**
   * Takes the next bytes and adds each item that they complete. True: the last item has come, whatever follows.
   * Throws after adding what came before the fault.
   */
  push(bytes: Uint8Array, items: Value[]): boolean
  /** The body came to its proper end: adds what was still held. */
  end(items: Value[]): void
}

export interface ItemDecoderOptions {
  /** Host and port, for messages. */
  host: string
  /** Longest single item, in UTF-16 code units. */
  itemCharactersMax: number
}

/** What the decoders of item formats are told beside. */
export interface ItemFormatOptions extends ItemDecoderOptions {
  /** Marks of the end that the step names; null: it names none. */
  marks: EndMarks | null
  /** Whether error frames and items that are not valid JSON are items like others. */
  passesBadItems: boolean
}
