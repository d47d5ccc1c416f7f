import type { Chunk, Decoded, Outcome } from '../chunk.ts'
import type { PublicError } from '../errors.ts'
import type { Format } from './format.ts'
import { lineSplitter } from './line-splitter.ts'
import { contentJson } from './lines.ts'

/**
 * `ndjson`: one JSON object a line, `{offset, type, content, metadata}`; errors are `{offset, type: "error", error}`, the last line is
 * `{type: "end", outcome, offset, error}`. An empty line is the heartbeat.
 */
export const ndjson: Format = {
  name: 'ndjson',
  encoder: () => ({
    contentType: 'application/x-ndjson; charset=utf-8',
    heartbeat: '\n',
    tellsOutcome: true,
    chunks: encode,
    fault: (error) => `{"offset":null,"type":"error","error":${JSON.stringify(error)}}\n`,
    end: ({ outcome, offset, error }) => JSON.stringify({ type: 'end', outcome, offset, error }) + '\n',
  }),
  decoder: () => {
    const splitter = lineSplitter()
    return {
      push: (text) => splitter.push(text).map(decodeLine),
      // A line that no LF ended may be cut in two: it is not a line.
      flush: () => [],
    }
  },
}

function encode(chunks: readonly Chunk[], from: number, to: number, offset: number): string {
  let out = ''
  for (let i = from; i < to; i++) {
    const chunk = chunks[i] as Chunk
    const id = offset + i - from
    if (chunk.type === 'error') out += `{"offset":${id},"type":"error","error":${chunk.data}}\n`
    else {
      out += `{"offset":${id},"type":"chunk","content":${contentJson(chunk)},"metadata":${chunk.metadata ?? 'null'}}\n`
    }
  }
  return out
}

type Line =
  | { type: 'chunk'; offset: number; content: unknown; metadata: Record<string, unknown> | null }
  | { type: 'error'; offset: number | null; error: PublicError }
  | { type: 'end'; outcome: Outcome; offset: number; error: PublicError | null }

function decodeLine(line: string): Decoded {
  const trimmed = line.endsWith('\r') ? line.slice(0, -1) : line
  return trimmed === '' ? { type: 'comment' } : (JSON.parse(trimmed) as Line)
}
