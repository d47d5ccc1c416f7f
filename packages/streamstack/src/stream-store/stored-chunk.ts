import { CHUNK_KINDS, type Chunk, type ChunkKind, type StreamEnd, isTextKind } from '@streamstack/protocol'

/**
 * Chunks as streams of the server's own keep them: JSON messages, which clients of the open protocol can read as they are. A message begins with a
 * line end, of which JSON inside has none, and ends with the comma that joins messages: so that a page is told apart into its chunks without being parsed.
 */
const TEXT = '{"type":"text","metadata":null,"content":'
const JSON_ = '{"type":"json","metadata":null,"content":'
const TYPE = '{"type":"'
const METADATA = '","metadata":'
const CONTENT = ',"content":'

const KINDS: ReadonlySet<string> = new Set(CHUNK_KINDS)

/** The type of what is kept; with it, readers of the open protocol get arrays. */
export const STORED_CONTENT_TYPE = 'application/json'

export function encodeStored(chunk: Chunk): Buffer {
  return Buffer.from(`\n${storedJson(chunk)},`)
}

/** A chunk as one JSON message. */
export function storedJson({ kind, data, metadata }: Chunk): string {
  const content = isTextKind(kind) ? JSON.stringify(data) : oneLine(data)
  return `{"type":"${kind}","metadata":${metadata === null ? 'null' : oneLine(metadata)},"content":${content}}`
}

/** The last message: how the stream ended. */
export function encodeStoredEnd(end: Omit<StreamEnd, 'offset'>): Buffer {
  return Buffer.from(`\n${storedEndJson(end)},`)
}

export function storedEndJson({ outcome, error }: Omit<StreamEnd, 'offset'>): string {
  return JSON.stringify({ type: 'end', outcome, error })
}

/** The chunks of a page; the end, which comes last, is none. */
export function decodeStored(parts: readonly Buffer[]): Chunk[] {
  const [only] = parts
  const text = (parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)).toString('utf8')
  const chunks: Chunk[] = []
  for (let start = 1; start < text.length;) {
    const next = text.indexOf('\n', start)
    const end = next === -1 ? text.length : next
    // Without the comma.
    const chunk = decodeMessage(text.slice(start, end - 1))
    if (chunk !== null) chunks.push(chunk)
    start = end + 1
  }
  return chunks
}

function decodeMessage(message: string): Chunk | null {
  if (message.startsWith(TEXT)) {
    return { kind: 'text', data: JSON.parse(message.slice(TEXT.length, -1)) as string, metadata: null }
  }
  if (message.startsWith(JSON_)) return { kind: 'json', data: message.slice(JSON_.length, -1), metadata: null }
  const kindEnd = message.indexOf('"', TYPE.length)
  const kind = message.slice(TYPE.length, kindEnd)
  if (!isKind(kind)) return null
  const from = kindEnd + METADATA.length
  const to = message.startsWith('null', from) ? from + 'null'.length : objectEnd(message, from)
  const metadata = message.startsWith('null', from) ? null : message.slice(from, to)
  // What JSON holds keeps its spelling: numbers lose no digit.
  const content = message.slice(to + CONTENT.length, -1)
  return { kind, data: isTextKind(kind) ? (JSON.parse(content) as string) : content, metadata }
}

function isKind(text: string): text is ChunkKind {
  return KINDS.has(text)
}

/** Where the object ends that begins at an index. */
function objectEnd(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (character === 0x22) at = textEnd(text, at)
    else if (character === 0x7b || character === 0x5b) depth++
    else if ((character === 0x7d || character === 0x5d) && --depth === 0) return at + 1
  }
  return text.length
}

/** The index of the quote that ends the text whose first quote is at an index. */
function textEnd(text: string, from: number): number {
  for (let at = from + 1; ;) {
    const quote = text.indexOf('"', at)
    if (quote === -1) return text.length
    let backslashes = 0
    while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes++
    if (backslashes % 2 === 0) return quote
    at = quote + 1
  }
}

/** JSON that was not written by us may hold line ends between its tokens; inside of texts it cannot. */
function oneLine(json: string): string {
  return json.includes('\n') ? json.replaceAll('\n', ' ') : json
}
