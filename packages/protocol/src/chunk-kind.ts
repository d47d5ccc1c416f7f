/** The kind of a chunk. New kinds are added at the end, because logs store a kind as its index. */
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

/**
 * Whether readers need the name of a kind. `text` and `json` are content, and the value shows which
 * of them it is.
 */
export function isNamedKind(kind: ChunkKind): boolean {
  return kind !== 'text' && kind !== 'json'
}

/** The kind of content, which is not named on the wire. */
export function contentKind(content: unknown): 'text' | 'json' {
  return typeof content === 'string' ? 'text' : 'json'
}
