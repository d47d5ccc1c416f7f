import { type Outcome, StreamstackError, type Value } from '@streamstack/protocol'

const OUTCOMES: ReadonlySet<unknown> = new Set<Outcome>(['completed', 'failed', 'cancelled', 'abandoned'])

/** The outcome that another Streamstack server ends its answer with (`{outcome, offset, error}`); null for anything else. */
export function outcomeOf(value: Value): Outcome | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const end = value as Readonly<Record<string, Value>>
  return OUTCOMES.has(end['outcome']) && typeof end['offset'] === 'number' && 'error' in end
    ? (end['outcome'] as Outcome)
    : null
}

/** A stream that did not complete is an error for the step that relays it, even if it ends with a proper message. */
export function incomplete(host: string, outcome: Outcome): StreamstackError {
  return new StreamstackError('upstream_failed', `${host} ended its answer with the outcome ${outcome}.`)
}
