import { StreamstackError } from '@streamstack/protocol'
import { didYouMean, suggest } from '../text/did-you-mean.ts'
import type { RouteInputs } from './route-inputs.ts'

const NOT_HERE = 'How much who comes late gets is what `history` of the channel says'

/** What people write who have read other APIs, and what they mean here. */
const MISTAKES: Readonly<Record<string, string>> = {
  after: 'Write `offset`: it is the offset of the last message that you got.',
  since: 'Write `offset`: it is the offset of the last message that you got.',
  from: 'Write `offset`: it is the offset of the last message that you got.',
  cursor: 'Write `offset`: it is the offset of the last message that you got.',
  last_event_id: 'Write `offset`, or send the header Last-Event-ID.',
  limit: `${NOT_HERE}.`,
  count: `${NOT_HERE}.`,
  last: `${NOT_HERE}.`,
  metadata: 'Write `include_metadata`.',
  key: 'Write `idempotency_key`, or send the header Idempotency-Key.',
  live: 'The open protocol reads a channel at /v1/stream/channels/<name>.',
}

const FLAGS: readonly string[] = ['presence', 'include_metadata']

/**
 * Refuses query parameters that are mistaken for others: to be given all messages, or to be there unseen, must not be what a slip of the pen leads to.
 * Parameters that resemble none of the server's are those of a proxy or a page, and pass. Throws `header_invalid`.
 */
export function checkChannelQuery(query: URLSearchParams, inputs: RouteInputs): void {
  if (query.size === 0) return
  const known = inputs.query.map(({ name }) => name)
  for (const [name, value] of query) {
    if (!known.includes(name)) checkUnknown(name, known)
    else if (FLAGS.includes(name) && value !== 'true' && value !== 'false') {
      throw new StreamstackError('header_invalid', `\`${name}\` is true or false.`)
    }
  }
}

function checkUnknown(name: string, known: readonly string[]): void {
  const near = name.length > 2 && name.length <= 60 ? didYouMean(name, known) : null
  const cure = near === null ? Object.entries(MISTAKES).find(([one]) => one === name)?.[1] : suggest(near)
  if (cure === undefined) return
  throw new StreamstackError('header_invalid', `There is no query parameter ${JSON.stringify(name)} here. ${cure}`)
}
