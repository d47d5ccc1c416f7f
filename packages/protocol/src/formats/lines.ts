import { CONTENT_KINDS, type ChunkKind, type ChunkKinds, contentKind, isNamedKind, isTextKind } from '../chunk-kind.ts'
import type { Chunk, Decoded, DecodedChunk } from '../chunk.ts'
import type { PublicError } from '../errors.ts'
import { type DecodeOptions, type Decoder, type Encoder, type Format, streaming } from './format.ts'
import { parseObject } from './format-error.ts'
import { lineSplitter } from './line-splitter.ts'

/**
 * `lines`: each content, then LF; what is not text is one line of JSON. With metadata each line is JSON `{"content","metadata"}`, and `kind` where it is
 * not content. No marker that the stack did not send: only an error adds the line `{"error":{…}}`, after which the connection is broken off. Other kinds
 * that the caller asks for are lines of the same shape: `{"usage":{…}}`.
 */
export const lines: Format = {
  name: 'lines',
  mediaTypes: ['text/plain'],
  isShared: true,
  encoder: ({ metadata, kinds = CONTENT_KINDS }) => ({
    ...streaming,
    contentType: 'text/plain; charset=utf-8',
    heartbeat: '',
    tellsOutcome: false,
    writesLines: !metadata && kinds.has('text') && kinds.has('json'),
    chunks: (metadata ? withMetadata : plain)(kinds),
    fault: (error) => `{"error":${JSON.stringify(error)}}\n`,
    end: () => '',
  }),
  decoder: linesDecoder,
}

export function linesDecoder({ metadata }: DecodeOptions): Decoder {
  const splitter = lineSplitter()
  const read = (line: string): Decoded => {
    if (line.startsWith('{"error":{"code":')) {
      const error = parsedError(line)
      if (error !== null) return { type: 'error', offset: null, error }
    }
    if (!metadata) return { type: 'chunk', kind: 'text', offset: null, content: line, metadata: null }
    return { type: 'chunk', offset: null, ...decodedContent(parseObject(line)) }
  }
  return {
    push: (text) => splitter.push(text).map(read),
    flush: () => {
      const rest = splitter.rest()
      return rest === '' ? [] : [read(rest)]
    },
  }
}

const plain =
  (kinds: ChunkKinds): Encoder['chunks'] =>
  (chunks, from, to) => {
    let out = ''
    for (let i = from; i < to; i++) {
      const chunk = chunks[i] as Chunk
      const { kind, data } = chunk
      if (!kinds.has(kind)) continue
      out += isNamedKind(kind) ? `{"${kind}":${contentJson(chunk)}}\n` : data + '\n'
    }
    return out
  }

const withMetadata =
  (kinds: ChunkKinds): Encoder['chunks'] =>
  (chunks, from, to) => {
    let out = ''
    for (let i = from; i < to; i++) {
      const chunk = chunks[i] as Chunk
      const { kind, data, metadata } = chunk
      if (!kinds.has(kind)) continue
      if (kind === 'error') out += `{"error":${data}}\n`
      else out += `{"content":${contentJson(chunk)},"metadata":${metadata ?? 'null'}${kindMember(kind)}}\n`
    }
    return out
  }

/** The content of a chunk as JSON. */
export function contentJson({ kind, data }: Chunk): string {
  return isTextKind(kind) ? JSON.stringify(data) : data
}

/** The member of a JSON object that names a kind, with a comma before it; '' for content. */
export function kindMember(kind: ChunkKind): string {
  return isNamedKind(kind) ? `,"kind":"${kind}"` : ''
}

/** `{"content","metadata","kind"}` as it was parsed. */
export function decodedContent({
  content,
  metadata,
  kind,
}: Record<string, unknown>): Pick<DecodedChunk, 'content' | 'metadata' | 'kind'> {
  return {
    kind: (kind as ChunkKind | undefined) ?? contentKind(content),
    content,
    metadata: (metadata ?? null) as DecodedChunk['metadata'],
  }
}

function parsedError(line: string): PublicError | null {
  try {
    return (JSON.parse(line) as { error: PublicError }).error
  } catch {
    // A text line of the stack that merely begins alike.
    return null
  }
}
