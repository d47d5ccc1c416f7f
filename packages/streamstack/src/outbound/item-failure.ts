import { StreamstackError } from '@streamstack/protocol'

/** One item alone is more than may be held in memory. */
export function itemTooLarge(host: string, itemCharactersMax: number): StreamstackError {
  return new StreamstackError(
    'upstream_too_large',
    `${host} sent a single item of more than ${itemCharactersMax} characters.`,
  )
}
