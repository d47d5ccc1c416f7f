/** What every contender of the streaming scenarios has to write: the same bytes. */
export interface LinesWork {
  lines: readonly string[]
  contentType: string
  /** One chunk as text; `index` counts from 0. */
  encode: (line: string, index: number) => string
  /** What stands at the end. */
  last: string
}

export interface LinesOptions {
  count: number
  format: LinesFormat
}

export type LinesFormat = 'lines' | 'sse' | 'ndjson'

/** `count` lines of 76 characters and the line end. */
export function linesOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${String(index).padStart(6, '0')} ${SENTENCE}`)
}

const SENTENCE = 'The quick brown fox jumps over the lazy dog while the band plays on.'.padEnd(69, '~')

export function linesWork({ count, format }: LinesOptions): LinesWork {
  const lines = linesOf(count)
  switch (format) {
    case 'lines':
      return { lines, contentType: 'text/plain; charset=utf-8', encode: (line) => line + '\n', last: '' }
    case 'sse':
      return {
        lines,
        contentType: 'text/event-stream; charset=utf-8',
        encode: (line, index) => `id: ${index + 1}\ndata: ${JSON.stringify(line)}\n\n`,
        last: `event: end\ndata: ${JSON.stringify({ outcome: 'completed', offset: count, error: null })}\n\n`,
      }
    case 'ndjson':
      return {
        lines,
        contentType: 'application/x-ndjson; charset=utf-8',
        encode: (line, index) =>
          JSON.stringify({
            offset: index + 1,
            type: 'chunk',
            content: line,
            metadata: { chunk_index: index, total_chunks: count },
          }) + '\n',
        last: JSON.stringify({ type: 'end', outcome: 'completed', offset: count, error: null }) + '\n',
      }
  }
}

export function bodyOf({ lines, encode, last }: LinesWork): Buffer {
  return Buffer.from(lines.map(encode).join('') + last)
}
