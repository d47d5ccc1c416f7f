import { TextDecoder } from 'node:util'

/** A decoder for a declared charset; UTF-8 when none is declared or the label is unknown. */
export function textDecoderFor(charset: string, options: { fatal?: boolean } = {}): TextDecoder {
  try {
    return new TextDecoder(charset === '' ? 'utf-8' : charset, options)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return new TextDecoder('utf-8', options)
  }
}
