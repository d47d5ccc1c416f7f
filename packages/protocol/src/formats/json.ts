import { ALL_KINDS, type ChunkKind, contentKind, isNamedKind } from '../chunk-kind.ts'
import type { Chunk, Decoded, DecodedChunk } from '../chunk.ts'
import { decodedEnd } from './decoded.ts'
import type { Decoder, Format } from './format.ts'
import { parseObject } from './format-error.ts'
import { contentJson } from './lines.ts'

/**
 * `json`: the whole as one document, `{run, outcome, chunks: [{offset, content, metadata}], error}`, with `kind` where a chunk is not content. Of a stream
 * that never ends it is what the stream holds now: `outcome` is null and `offset` says after which chunk to read on. Errors in the stream are told by the
 * end alone.
 */
export const json: Format = {
  name: 'json',
  mediaTypes: ['application/json'],
  isShared: false,
  encoder: ({ kinds = ALL_KINDS }, { run }) => ({
    contentType: 'application/json; charset=utf-8',
    heartbeat: '',
    tellsOutcome: true,
    waits: true,
    // The comma that is due.
    state: '',
    begin: (end) => `{"run":${JSON.stringify(run)},"outcome":${JSON.stringify(end?.outcome ?? null)},"chunks":[`,
    chunks(chunks, from, to, offset) {
      let out = ''
      for (let i = from; i < to; i++) {
        const chunk = chunks[i] as Chunk
        const { kind, metadata } = chunk
        if (kind === 'error' || !kinds.has(kind)) continue
        const named = isNamedKind(kind) ? `"kind":"${kind}",` : ''
        out += `${this.state}{"offset":${offset + i - from},${named}"content":${contentJson(chunk)},"metadata":${metadata ?? 'null'}}`
        this.state = ','
      }
      return out
    },
    fault: () => '',
    end: ({ outcome, offset, error }) =>
      `],"error":${JSON.stringify(error)}${outcome === null ? `,"offset":${offset}` : ''}}`,
    goodbye: () => '',
  }),
  decoder: jsonDecoder,
}

/** Everything comes at once, when the document is complete. */
export function jsonDecoder(): Decoder {
  const pieces: string[] = []
  return {
    push(text) {
      pieces.push(text)
      return []
    },
    flush() {
      const whole = parseObject(pieces.join(''))
      // A stream without an end has no outcome: what was asked for, all that it held, is complete.
      if (whole['outcome'] === null && whole['run'] === null) whole['outcome'] = 'completed'
      return [...decodedChunks(whole['chunks']), decodedEnd(whole)]
    },
  }
}

/** The chunks of a document as they were parsed. */
export function decodedChunks(chunks: unknown): Decoded[] {
  if (!Array.isArray(chunks)) return []
  return (chunks as (Omit<DecodedChunk, 'kind'> & { kind?: ChunkKind })[]).map((chunk) => ({
    ...chunk,
    type: 'chunk',
    kind: chunk.kind ?? contentKind(chunk.content),
  }))
}
