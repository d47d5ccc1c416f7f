/** Which chunks are shown, by kind and text of the content. */
export interface ChunkFilter {
  readonly test: (kind: string, text: string) => boolean
  /** What is wrong with it; null: nothing. */
  readonly problem: string | null
}

/** Reads `text`, `/regular expression/`, `/…/i`, `kind:error`, or a kind and a text: `kind:json "id":7`. */
export function chunkFilter(filter: string): ChunkFilter {
  const [, kind, rest = ''] = /^kind:(\S*)\s*(.*)$/s.exec(filter) ?? [filter, null, filter]
  const isOfKind = (of: string): boolean => kind === null || of === kind
  const pattern = /^\/(.+)\/(i?)$/s.exec(rest)
  if (pattern === null) {
    const wanted = rest.toLowerCase()
    return { test: (of, text) => isOfKind(of) && text.toLowerCase().includes(wanted), problem: null }
  }
  try {
    const expression = new RegExp(pattern[1] ?? '', pattern[2])
    return { test: (of, text) => isOfKind(of) && expression.test(text), problem: null }
  } catch (error) {
    return { test: () => false, problem: (error as Error).message }
  }
}
