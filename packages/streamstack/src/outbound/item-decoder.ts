import type { Value } from '@streamstack/protocol'

/** Makes items of the bytes of one answer. Holds what is not complete yet, never more than `itemCharactersMax`. */
export interface ItemDecoder {
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
