/** What a chunk is to those who read it. New kinds are added at the end: logs number them by their place. */
export const CHUNK_KINDS = [
  'text',
  'json',
  'error',
  'reasoning',
  'tool_call',
  'tool_result',
  'source',
  'usage',
  'status',
  'replace',
] as const

export type ChunkKind = (typeof CHUNK_KINDS)[number]

/** Which kinds a reader gets. `error` is always among them: no reader may take a failed stream for a whole one. */
export type ChunkKinds = ReadonlySet<ChunkKind>

/** The content of an answer: all that the formats for simple clients carry unless the caller asks for more. */
export const CONTENT_KINDS: ChunkKinds = new Set<ChunkKind>(['text', 'json', 'error'])

export const ALL_KINDS: ChunkKinds = new Set(CHUNK_KINDS)

/** Whether the data of a kind is the text itself. The data of all others is JSON. */
export function isTextKind(kind: ChunkKind): boolean {
  return kind === 'text' || kind === 'reasoning'
}

/** Whether a kind is told apart from content by its name. `text` and `json` are content, and which of them is seen in the value. */
export function isNamedKind(kind: ChunkKind): boolean {
  return kind !== 'text' && kind !== 'json'
}

/** The kind of content, which is not named on the wire. */
export function contentKind(content: unknown): 'text' | 'json' {
  return typeof content === 'string' ? 'text' : 'json'
}
