import { CHUNK_KINDS, type EncodeOptions, type Encoder, type FormatName, formats } from '@streamstack/protocol'
import type { StreamSource } from '../stream/index.ts'

/** The encoders that serve all answers which carry what the format carries by itself: by format, metadata and markers. */
const own = new Map<FormatName, (Encoder | undefined)[]>()
/** Those of answers whose callers chose the kinds of chunks. */
const chosen = new Map<string, Encoder>()

/** The encoder of one answer. Only runs have markers: other streams are written by callers, too. Where the format holds nothing of the stream it is the same for all answers, so that they share what it writes. */
export function encoderFor(source: Pick<StreamSource, 'run'>, name: FormatName, asked: EncodeOptions): Encoder {
  const format = formats[name]
  const options = source.run === null ? { ...asked, marksDone: false } : asked
  if (!format.isShared) return format.encoder(options, source)
  const { metadata, kinds, marksDone = true } = options
  const make = (): Encoder => format.encoder(options, { run: null })
  if (kinds === undefined) {
    let encoders = own.get(name)
    if (encoders === undefined) own.set(name, (encoders = []))
    return (encoders[(metadata ? 1 : 0) + (marksDone ? 2 : 0)] ??= make())
  }
  const key = `${name} ${metadata} ${marksDone} ${CHUNK_KINDS.filter((kind) => kinds.has(kind)).join()}`
  let encoder = chosen.get(key)
  if (encoder === undefined) chosen.set(key, (encoder = make()))
  return encoder
}
