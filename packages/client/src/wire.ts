import { type Decoded, decodedChunks, decoders } from '@streamstack/protocol'
import type { ProgressCounter } from './progress.ts'
import { StreamError, lost } from './stream-error.ts'

/** What travels: `ndjson` unless something on the way asks for another. */
export type StreamFormat = 'ndjson' | 'sse' | 'lines' | 'text' | 'json'

interface Wire {
  accept: string
  /** What the URL has to say, because Accept cannot. */
  query: string
  /**
   * Whether its last words tell the outcome, and elsewhere only a clean end of the answer does. Streams that tell it also show a sign of life every so
   * often, so that silence means a dead connection.
   */
  tellsOutcome: boolean
}

/** Every kind, though not all are handed out: offsets without gaps show that nothing is missing. */
const ALL = 'include_metadata=true&kinds=all'

export const wires: Readonly<Record<StreamFormat, Wire>> = {
  ndjson: { accept: 'application/x-ndjson', query: '', tellsOutcome: true },
  sse: { accept: 'text/event-stream', query: ALL, tellsOutcome: true },
  // With metadata each chunk is one line, whatever it holds; so chunks can be counted.
  lines: { accept: 'text/plain', query: ALL, tellsOutcome: false },
  text: { accept: 'text/plain', query: 'format=text', tellsOutcome: false },
  json: { accept: 'application/json', query: '', tellsOutcome: true },
}

/** What a connection brings, piece by piece; throws `connection_lost` when it breaks. After the end it is not read again. */
export interface Connection {
  readonly format: StreamFormat
  read(): Promise<readonly Decoded[]>
}

/**
 * Throws when an answer is not of the format that was asked for: some page of a proxy, which passes where the server `isKnown` to be one of
 * ours, or else no Streamstack server at all.
 */
export function demandMedium({ headers }: Response, format: StreamFormat, isKnown: boolean): void {
  const medium = headers.get('Content-Type') ?? 'nothing'
  const { accept } = wires[format]
  if (medium.startsWith(accept)) return
  const message = `The answer is ${medium}, not ${accept}. Is this a Streamstack server?`
  throw new StreamError('answer_unknown', message, { recoverable: isKnown })
}

/** Bounds the wait for something that has to come before long; a call that stays silent for longer is broken off. */
export type Watch = <T>(work: T | Promise<T>) => Promise<T>

/**
 * Reads a streaming answer. It requests one piece of the network at a time, so that a slow reader
 * slows the sender down.
 */
export function streamConnection(
  response: Response,
  format: Exclude<StreamFormat, 'json'>,
  { watch, progress }: { watch: Watch; progress: ProgressCounter },
): Connection {
  const { tellsOutcome } = wires[format]
  const decoder = decoders[format]({ metadata: true })
  const utf8 = new TextDecoder()
  const body = response.body?.getReader()
  let failed = false
  return {
    format,
    async read() {
      const next = body?.read()
      const piece = (await (tellsOutcome ? watch(next) : next))?.value
      if (piece !== undefined) {
        progress.bytes += piece.byteLength
        const items = decoder.push(utf8.decode(piece, { stream: true }))
        failed ||= items.some(({ type }) => type === 'error')
        return items
      }
      if (tellsOutcome || failed) throw lost('The connection ended before the stream.')
      const rest = [...decoder.push(utf8.decode()), ...decoder.flush()]
      return [...rest, { type: 'end', outcome: 'completed', offset: null, error: null }]
    },
  }
}

/** Reads an answer that is whole: everything at once, then the end. */
export function jsonConnection(response: Response, progress: ProgressCounter): Connection {
  return {
    format: 'json',
    async read() {
      const text = await response.text()
      progress.bytes += text.length
      const decoder = decoders.json()
      decoder.push(text)
      return decoder.flush()
    },
  }
}

/** A run that failed where a whole result was asked for: a problem answer, which tells the chunks that there were. */
export function failedConnection(error: StreamError): Connection {
  const items = decodedChunks(error.problem?.['chunks'])
  return {
    format: 'json',
    async read() {
      if (items.length === 0) throw error
      return items.splice(0)
    },
  }
}
