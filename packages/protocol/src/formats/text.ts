import { CONTENT_KINDS, type ChunkKinds } from '../chunk-kind.ts'
import type { Chunk } from '../chunk.ts'
import { type Decoder, type Encoder, type Format, streaming } from './format.ts'

/**
 * `text`: contents joined with nothing between, for clients that show every byte they get. Nothing is added, an error
 * included: any outcome but `completed` breaks the connection.
 */
export const text: Format = {
  name: 'text',
  mediaTypes: [],
  isShared: true,
  encoder: ({ kinds = CONTENT_KINDS }) => ({
    ...streaming,
    contentType: 'text/plain; charset=utf-8',
    heartbeat: '',
    tellsOutcome: false,
    chunks: joined(kinds),
    fault: () => '',
    end: () => '',
  }),
  decoder: textDecoder,
}

export function textDecoder(): Decoder {
  return {
    push: (piece) =>
      piece === '' ? [] : [{ type: 'chunk', kind: 'text', offset: null, content: piece, metadata: null }],
    flush: () => [],
  }
}

const joined =
  (kinds: ChunkKinds): Encoder['chunks'] =>
  (chunks, from, to) => {
    let out = ''
    for (let i = from; i < to; i++) {
      const { kind, data } = chunks[i] as Chunk
      if (kind !== 'error' && kinds.has(kind)) out += data
    }
    return out
  }
