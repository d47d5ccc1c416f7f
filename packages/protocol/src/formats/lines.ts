import type { Chunk, Decoded, DecodedChunk } from '../chunk.ts'
import type { PublicError } from '../errors.ts'
import type { Decoder, EncodeOptions, Format } from './format.ts'
import { parseObject } from './format-error.ts'
import { lineSplitter } from './line-splitter.ts'

/**
 * `lines`: each content, then LF; what is not text is one line of JSON. With metadata each line is JSON `{"content","metadata"}`.
 * No marker that the stack did not send: only an error adds the line `{"error":{…}}`, after which the connection is broken off.
 */
export const lines: Format = {
  name: 'lines',
  encoder: ({ metadata }) => ({
    contentType: 'text/plain; charset=utf-8',
    heartbeat: '',
    tellsOutcome: false,
    chunks: metadata ? withMetadata : plain,
    fault: (error) => `{"error":${JSON.stringify(error)}}\n`,
    end: () => '',
  }),
  decoder: linesDecoder,
}

export function linesDecoder({ metadata }: EncodeOptions): Decoder {
  const splitter = lineSplitter()
  const read = (line: string): Decoded => {
    if (line.startsWith('{"error":{"code":')) {
      const error = parsedError(line)
      if (error !== null) return { type: 'error', offset: null, error }
    }
    if (!metadata) return { type: 'chunk', offset: null, content: line, metadata: null }
    return { type: 'chunk', offset: null, ...contentPair(parseObject(line)) }
  }
  return {
    push: (text) => splitter.push(text).map(read),
    flush: () => {
      const rest = splitter.rest()
      return rest === '' ? [] : [read(rest)]
    },
  }
}

function plain(chunks: readonly Chunk[], from: number, to: number): string {
  let out = ''
  for (let i = from; i < to; i++) {
    const chunk = chunks[i] as Chunk
    out += chunk.type === 'error' ? `{"error":${chunk.data}}\n` : chunk.data + '\n'
  }
  return out
}

function withMetadata(chunks: readonly Chunk[], from: number, to: number): string {
  let out = ''
  for (let i = from; i < to; i++) {
    const chunk = chunks[i] as Chunk
    if (chunk.type === 'error') out += `{"error":${chunk.data}}\n`
    else out += `{"content":${contentJson(chunk)},"metadata":${chunk.metadata ?? 'null'}}\n`
  }
  return out
}

/** The content of a chunk as JSON. */
export function contentJson(chunk: Chunk): string {
  return chunk.type === 'text' ? JSON.stringify(chunk.data) : chunk.data
}

/** `{"content","metadata"}` as it was parsed. */
export function contentPair({
  content,
  metadata,
}: Record<string, unknown>): Pick<DecodedChunk, 'content' | 'metadata'> {
  return { content, metadata: (metadata ?? null) as DecodedChunk['metadata'] }
}

function parsedError(line: string): PublicError | null {
  try {
    return (JSON.parse(line) as { error: PublicError }).error
  } catch {
    // A text line of the stack that merely begins alike.
    return null
  }
}
