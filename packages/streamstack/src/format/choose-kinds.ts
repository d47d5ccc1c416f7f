import { ALL_KINDS, CHUNK_KINDS, type ChunkKind, type ChunkKinds, StreamstackError } from '@streamstack/protocol'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'

/** The kinds of chunks that `?kinds=` asks for, separated by commas; `all` is every kind. Undefined: what the format carries by itself. Throws `header_invalid`. */
export function chooseKinds(query: URLSearchParams): ChunkKinds | undefined {
  const asked = query.get('kinds')
  if (asked === null) return undefined
  if (asked === 'all') return ALL_KINDS
  const kinds = new Set<ChunkKind>(['error'])
  for (const name of asked.split(',')) kinds.add(kindNamed(name.trim()))
  return kinds
}

function kindNamed(name: string): ChunkKind {
  const kind = CHUNK_KINDS.find((one) => one === name)
  if (kind !== undefined) return kind
  const near = didYouMean(name, CHUNK_KINDS)
  const cure = didYouMeanOr(near, `Use all, or any of: ${CHUNK_KINDS.join(', ')}.`)
  throw new StreamstackError(
    'header_invalid',
    `There is no kind ${JSON.stringify(name.slice(0, 60))} of chunks. ${cure}`,
  )
}
