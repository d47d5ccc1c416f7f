import type { Chunk } from '../chunk.ts'
import type { Decoder, Format } from './format.ts'

/**
 * `text`: contents joined with nothing between, for clients that show every byte they get. Nothing is added, an error
 * included: any outcome but `completed` breaks the connection.
 */
export const text: Format = {
  name: 'text',
  encoder: () => ({
    contentType: 'text/plain; charset=utf-8',
    heartbeat: '',
    tellsOutcome: false,
    chunks: joined,
    fault: () => '',
    end: () => '',
  }),
  decoder: textDecoder,
}

export function textDecoder(): Decoder {
  return {
    push: (piece) => (piece === '' ? [] : [{ type: 'chunk', offset: null, content: piece, metadata: null }]),
    flush: () => [],
  }
}

function joined(chunks: readonly Chunk[], from: number, to: number): string {
  let out = ''
  for (let i = from; i < to; i++) {
    const chunk = chunks[i] as Chunk
    if (chunk.type !== 'error') out += chunk.data
  }
  return out
}
