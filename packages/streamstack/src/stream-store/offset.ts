import { StreamstackError, sortableOffset } from '@streamstack/protocol'

/** The zero offset as other servers of the protocol write it; every stream knows it. */
const ZERO = '0000000000000000_0000000000000000'

const SPELLING = /^(\d{16})_([0-9a-f]{16})$/

/**
 * Offsets as readers get them: the position in the stream, sortable as text (Durable Streams, "Offsets"), and the family, which a stream
 * shares with its forks alone. So a cursor of another stream, or of one that was deleted and made anew, is refused instead of answered
 * with the wrong chunks.
 */
export function formatOffset(position: number, family: string): string {
  return `${sortableOffset(position)}_${family}`
}

/** The position that an offset names; `-1` is the start. Throws `offset_invalid`. */
export function parseStreamOffset(text: string, family: string): number {
  if (text === '-1' || text === ZERO) return 0
  const match = SPELLING.exec(text)
  const position = Number(match?.[1])
  if (match === null || match[2] !== family || !Number.isSafeInteger(position)) {
    throw new StreamstackError(
      'offset_invalid',
      'This is no offset of this stream. Send one that it gave out, or -1 for its start.',
    )
  }
  return position
}
