import { ALL_KINDS, type ChunkKinds } from '../chunk-kind.ts'
import type { Chunk, Decoded } from '../chunk.ts'
import { decodedEnd, decodedError, decodedOffset } from './decoded.ts'
import { type Decoder, type Encoder, type Format, streaming } from './format.ts'
import { parseObject } from './format-error.ts'
import { lineSplitter } from './line-splitter.ts'
import { contentJson, decodedContent, kindMember } from './lines.ts'

/**
 * `ndjson`: one JSON object a line, `{offset, type, content, metadata}`, and `kind` where it is not content; errors are `{offset, type: "error", error}`, the last line is
 * `{type: "end", outcome, offset, error}`. An empty line is the heartbeat.
 */
export const ndjson: Format = {
  name: 'ndjson',
  mediaTypes: ['application/x-ndjson', 'application/ndjson', 'application/jsonl'],
  isShared: true,
  encoder: ({ kinds = ALL_KINDS }) => ({
    ...streaming,
    contentType: 'application/x-ndjson; charset=utf-8',
    heartbeat: '\n',
    tellsOutcome: true,
    chunks: encode(kinds),
    fault: (error) => `{"offset":null,"type":"error","error":${JSON.stringify(error)}}\n`,
    end: ({ outcome, offset, error }) => JSON.stringify({ type: 'end', outcome, offset, error }) + '\n',
  }),
  decoder: ndjsonDecoder,
}

export function ndjsonDecoder(): Decoder {
  const splitter = lineSplitter()
  return {
    push: (text) => splitter.push(text).map(decodeLine),
    // A line that no LF ended may be cut in two: it is not a line.
    flush: () => [],
  }
}

const encode =
  (kinds: ChunkKinds): Encoder['chunks'] =>
  (chunks, from, to, offset) => {
    let out = ''
    for (let i = from; i < to; i++) {
      const chunk = chunks[i] as Chunk
      const { kind, data, metadata } = chunk
      if (!kinds.has(kind)) continue
      const id = offset + i - from
      if (kind === 'error') out += `{"offset":${id},"type":"error","error":${data}}\n`
      else {
        out += `{"offset":${id},"type":"chunk"${kindMember(kind)},"content":${contentJson(chunk)},"metadata":${metadata ?? 'null'}}\n`
      }
    }
    return out
  }

/** Throws FormatError. A type that is not known is passed over: what a newer server adds must not break an older client. */
function decodeLine(line: string): Decoded {
  if (line === '' || line === '\r') return { type: 'comment' }
  const parsed = parseObject(line)
  if (parsed['type'] === 'error') return { ...decodedError(parsed['error']), offset: decodedOffset(parsed['offset']) }
  if (parsed['type'] === 'end') return decodedEnd(parsed)
  if (parsed['type'] !== 'chunk') return { type: 'comment' }
  return { type: 'chunk', offset: decodedOffset(parsed['offset']), ...decodedContent(parsed) }
}
