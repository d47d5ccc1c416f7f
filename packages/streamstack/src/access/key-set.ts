import { StreamstackError } from '@streamstack/protocol'
import { createLocalJWKSet, errors } from 'jose'
import type { CryptoKey, FlattenedJWSInput, JSONWebKeySet, JWSHeaderParameters } from 'jose'
import { tokenError } from './token-error.ts'

/** How long fetched keys are believed. A key that its issuer withdrew works no longer than this. */
const AGE_MAX_MS = 10 * 60_000
/** From this age on the keys are fetched anew beside the calls, so that a short outage of the issuer goes unnoticed. */
const REFRESH_AGE_MS = AGE_MAX_MS / 2
/** Unknown key ids cost the issuer at most one fetch in this time. */
const COOL_DOWN_MS = 30_000
/** After a failed fetch, calls are refused at once for this long. */
const RETRY_PAUSE_MS = 5_000
const FETCH_TIMEOUT_MS = 10_000
/** How often it is reported that the keys cannot be fetched. */
const REPORT_PAUSE_MS = 60_000

/** Keys of one issuer: each token is compared with all of them. */
const KEYS_MAX = 1_000
/** Keys that are tried for a token that names none of them. */
const CANDIDATES_MAX = 20

/** Fetches JSON through the workspace's outbound door. */
export type FetchJson = (url: string) => Promise<unknown>

/** The published keys of an issuer: fetched when first needed, kept, and fetched again when keys rotate. */
export interface KeySet {
  /**
   * The keys that may have signed a token with this header; several when the token names no key id.
   *
   * @throws StreamstackError `unauthenticated` when no key fits, `unavailable` when the keys cannot be had.
   */
  find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<readonly CryptoKey[]>
}

interface FetchedKeys {
  find: ReturnType<typeof createLocalJWKSet>
  fetchedAtMs: number
}

export interface KeySetOptions {
  /** Milliseconds of a clock that never runs backwards. */
  readonly now?: (() => number) | undefined
  /** Called with the cause when the keys cannot be fetched, at most once a minute. */
  readonly onFailure?: ((cause: unknown, url: string) => void) | undefined
}

export function createKeySet(url: string, fetchJson: FetchJson, options: KeySetOptions = {}): KeySet {
  const { now = () => performance.now(), onFailure } = options
  let keys: FetchedKeys | null = null
  let fetching: Promise<FetchedKeys> | null = null
  let failedAtMs = -Infinity
  let reportedAtMs = -Infinity

  async function fetchKeys(): Promise<FetchedKeys> {
    try {
      const document = await withTimeout(fetchJson(url))
      const fetched = { find: readKeySet(document), fetchedAtMs: now() }
      keys = fetched
      return fetched
    } catch (cause) {
      failedAtMs = now()
      if (failedAtMs - reportedAtMs >= REPORT_PAUSE_MS) {
        reportedAtMs = failedAtMs
        onFailure?.(cause, url)
      }
      throw unavailable(RETRY_PAUSE_MS, cause)
    } finally {
      fetching = null
    }
  }

  /** All calls that need keys at the same time wait for one fetch. */
  function refresh(): Promise<FetchedKeys> {
    if (fetching !== null) return fetching
    const pauseMs = failedAtMs + RETRY_PAUSE_MS - now()
    if (pauseMs > 0) return Promise.reject(unavailable(pauseMs))
    fetching = fetchKeys()
    return fetching
  }

  async function current(): Promise<FetchedKeys> {
    if (keys === null) return refresh()
    const ageMs = now() - keys.fetchedAtMs
    if (ageMs >= AGE_MAX_MS) return refresh()
    // The keys at hand are still good: a failure here is met again, and reported, when they are not.
    if (ageMs >= REFRESH_AGE_MS) refresh().catch(() => undefined)
    return keys
  }

  return {
    async find(header, token) {
      const known = await current()
      const found = await candidates(known, header, token)
      if (found.length > 0) return found
      if (now() - known.fetchedAtMs < COOL_DOWN_MS) throw tokenError('key')
      const rotated = await candidates(await refresh(), header, token)
      if (rotated.length === 0) throw tokenError('key')
      return rotated
    },
  }
}

/** Keys that cannot be used are jose's to refuse, when a token asks for them. Some issuers call their JSON something else: then it comes as text. */
function readKeySet(answer: unknown): FetchedKeys['find'] {
  const document: unknown = typeof answer === 'string' ? JSON.parse(answer) : answer
  if (!isKeySet(document)) throw new TypeError('the document is not a JWK Set')
  if (document.keys.length > KEYS_MAX) throw new TypeError(`the key set holds more than ${KEYS_MAX} keys`)
  // What is no key is passed over, as RFC 7517 §5 asks; jose would refuse the whole set.
  return createLocalJWKSet({ keys: document.keys.filter((key) => typeof key === 'object' && key !== null) })
}

function isKeySet(document: unknown): document is JSONWebKeySet {
  return typeof document === 'object' && document !== null && 'keys' in document && Array.isArray(document.keys)
}

async function candidates(
  keys: FetchedKeys,
  header: JWSHeaderParameters,
  token: FlattenedJWSInput,
): Promise<readonly CryptoKey[]> {
  try {
    return [await keys.find(header, token)]
  } catch (thrown) {
    if (thrown instanceof errors.JWKSNoMatchingKey) return []
    if (thrown instanceof errors.JWKSMultipleMatchingKeys) return collect(thrown)
    throw tokenError('key', thrown)
  }
}

async function collect(several: AsyncIterable<CryptoKey>): Promise<readonly CryptoKey[]> {
  const found: CryptoKey[] = []
  for await (const key of several) {
    found.push(key)
    if (found.length === CANDIDATES_MAX) break
  }
  return found
}

async function withTimeout<Result>(promise: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the key set did not arrive in time')), FETCH_TIMEOUT_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function unavailable(retryAfterMs: number, cause?: unknown): StreamstackError {
  const message = 'The keys to check tokens with cannot be fetched from their issuer now. Try again shortly.'
  return new StreamstackError('unavailable', message, { retryAfterMs: Math.ceil(retryAfterMs), cause })
}
