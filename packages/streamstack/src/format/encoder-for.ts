import { CHUNK_KINDS, type EncodeOptions, type Encoder, type FormatName, formats } from '@streamstack/protocol'
import type { StreamSource } from '../stream/index.ts'

/** The encoders that serve all answers, by format and options. */
const shared = new Map<string, Encoder>()

/** The encoder of one answer. Only runs have markers: other streams are written by callers, too. Where the format holds nothing of the stream it is the same for all answers, so that they share what it writes. */
export function encoderFor(source: Pick<StreamSource, 'run'>, name: FormatName, asked: EncodeOptions): Encoder {
  const format = formats[name]
  const options = source.run === null ? { ...asked, marksDone: false } : asked
  if (!format.isShared) return format.encoder(options, source)
  const key = keyOf(name, options)
  let encoder = shared.get(key)
  if (encoder === undefined) {
    encoder = format.encoder(options, { run: null })
    shared.set(key, encoder)
  }
  return encoder
}

function keyOf(name: FormatName, { metadata, kinds, marksDone = true }: EncodeOptions): string {
  const asked = kinds === undefined ? 'own' : CHUNK_KINDS.filter((kind) => kinds.has(kind)).join()
  return `${name} ${metadata} ${marksDone} ${asked}`
}
