import { setImmediate } from 'node:timers/promises'
import { StreamstackError, type Value, toStreamstackError } from '@streamstack/protocol'
import { type AuthClaims, PresentedToken } from '../access/index.ts'
import { type Message, type PresenceView, type Subscription, messageTooLarge, nameOfPath } from '../channel/index.ts'
import { JsonResult, chooseFormat, chooseKinds } from '../format/index.ts'
import { type BodyExample, parseBody, readBody } from '../input/index.ts'
import type { ReaderRecord } from '../observe/index.ts'
import { didYouMean } from '../text/did-you-mean.ts'
import { onAnswerOver } from './answer-over.ts'
import { channelRecord } from './channel-record.ts'
import { checkChannelQuery } from './check-channel-query.ts'
import { endWithToken } from './end-with-token.ts'
import { answerWhole } from './answer-whole.ts'
import { HeldResult } from './held-result.ts'
import { idempotencyKey } from './idempotency-key.ts'
import { readByProtocol } from './read-by-protocol.ts'
import { ResponseReader } from './response-reader.ts'
import type { OwnCall } from './own-call.ts'
import { startPosition } from './start-position.ts'
import { Stay } from './stay.ts'
import { answerStream } from './stream-answer.ts'

export const CHANNELS_ROOT = '/v1/channels/'
export const PRESENCE_ROOT = '/v1/presence/'

/** Where clients of the open protocol read channels: they ask for pages first, of a stream that here never ends. */
export const CHANNEL_STREAMS_ROOT = '/v1/stream/channels/'

/** The most that one answer in `json` holds. */
const RESULT_BYTES_MAX = 16 * 1024 * 1024

/** What a message may take on the wire besides its content: names, escapes, white space. */
const ENVELOPE_FACTOR = 6
const ENVELOPE_BYTES = 1_024

/** Batches of messages that are gone through in one turn. */
const BATCHES_AT_ONCE = 32

const MESSAGE_KEYS: readonly string[] = ['content', 'metadata']

const MESSAGE_EXAMPLE: BodyExample = {
  list: 'Put it into an object: {"content": [ … ]}.',
  object: 'Send an object: {"content": …}.',
}

const READ_QUERY: readonly string[] = [
  'format',
  'kinds',
  'offset',
  'include_metadata',
  'access_token',
  'presence',
  'data',
]
const PRESENCE_QUERY: readonly string[] = ['format', 'kinds', 'offset', 'include_metadata', 'access_token']
const PUBLISH_QUERY: readonly string[] = ['idempotency_key', 'access_token']

/** `GET /v1/channels/<name>`: the history of a channel and then what comes, or what comes after an offset. With `?presence=true` others see the reader. */
export async function readChannel(call: OwnCall): Promise<void> {
  const { engine, request, response, query } = call
  checkChannelQuery(query, READ_QUERY)
  const token = await readerOf(call)
  const claims = token?.claims ?? null
  const name = nameIn(call, CHANNELS_ROOT)
  const source = engine.channels.subscribe(name, claims)
  const format = chooseFormat(query.get('format'), request.headers.accept, undefined)
  const position = positionIn(source, call)
  if (format === 'json') return answerWhole(call, { body: await heldJson(call, source, position) })
  const stay = query.get('presence') === 'true' ? new Stay(engine.channels, name, dataIn(query), claims) : null
  if (stay !== null) onAnswerOver(response, () => stay.leave())
  follow(call, { source, token, stay }, format, position, channelRecord(engine, source))
}

/** `GET /v1/stream/channels/<name>`: a channel by the open Durable Streams protocol. */
export async function readChannelByProtocol(call: OwnCall): Promise<void> {
  const { engine, response } = call
  const token = await readerOf(call)
  const source = engine.channels.subscribe(nameIn(call, CHANNEL_STREAMS_ROOT), token?.claims ?? null)
  endWithToken({ engine, response, source, token })
  readByProtocol(call, source, channelRecord(engine, source))
}

/** `POST /v1/channels/<name>` with `{content, metadata}`: answers 201 with the offset when the message is kept. */
export async function publishToChannel(call: OwnCall): Promise<void> {
  const { engine, request, query } = call
  const prepare = async (): Promise<[string, AuthClaims | null, Message]> => {
    checkChannelQuery(query, PUBLISH_QUERY)
    const claims = (await callerOf(call, null))?.claims ?? null
    const name = nameIn(call, CHANNELS_ROOT)
    // Nothing of the body is read for somebody who may not.
    const bytesMax = engine.channels.checkPublish(name, claims)
    const key = idempotencyKey(request.headers, query)
    return [name, claims, { ...(await messageIn(call, bytesMax)), key }]
  }
  const prepared = await prepare().catch((error: unknown) => {
    // Channels count what they refuse themselves.
    engine.observation.channelObserver.refused(toStreamstackError(error).code)
    throw error
  })
  answerWhole(call, { status: 201, body: JSON.stringify(await engine.channels.publish(...prepared)) })
}

/** `GET /v1/presence/<name>`: who is in a channel, then who joins and leaves; in `json` who is there now. */
export async function readPresence(call: OwnCall): Promise<void> {
  const { engine, request, query } = call
  checkChannelQuery(query, PRESENCE_QUERY)
  const token = await readerOf(call)
  const claims = token?.claims ?? null
  const name = nameIn(call, PRESENCE_ROOT)
  const format = chooseFormat(query.get('format'), request.headers.accept, undefined)
  if (format === 'json') {
    const members = engine.channels.members(name, claims)
    return answerWhole(call, { body: JSON.stringify({ members }) })
  }
  // It begins anew with all members, so a reader that comes back needs no offset.
  follow(call, { source: engine.channels.presence(name, claims), token, stay: null }, format, 0)
}

interface Followed {
  readonly source: Subscription | PresenceView
  readonly token: PresentedToken | null
  /** Null: others do not see the reader. */
  readonly stay: Stay | null
}

function follow(
  call: OwnCall,
  { source, token, stay }: Followed,
  format: Exclude<ReturnType<typeof chooseFormat>, 'json'>,
  position: number,
  record?: ReaderRecord,
): void {
  const { engine, response, query, heartbeat } = call
  const reader = answerStream({
    source,
    response,
    format,
    metadata: query.get('include_metadata') === 'true',
    kinds: chooseKinds(query),
    position,
    headers: { ...call.corsHeaders, ...tokenHeaders(query) },
    heartbeat,
    ...(record === undefined ? {} : { record }),
  })
  reader.wake()
  // The first message may be far off: who reads must not wonder until then whether the server is there.
  if (reader instanceof ResponseReader && !response.headersSent) reader.beat()
  const guarded = {
    expiresAtMs: source.expiresAtMs,
    renew(claims: AuthClaims): void {
      source.renew(claims)
      stay?.renew(claims)
    },
    refuse: (error: StreamstackError): void => source.refuse(error),
  }
  endWithToken({ engine, response, source: guarded, token })
}

function nameIn({ request }: OwnCall, root: string): string {
  const path = (request.url ?? '').split('?', 1)[0] as string
  // No channel has an empty name.
  return nameOfPath(path.slice(root.length)) ?? ''
}

function positionIn(source: Subscription, { request, query }: OwnCall): number {
  try {
    return startPosition(source, request, query.get('offset'))
  } catch (error) {
    if (!(error instanceof StreamstackError) || error.code !== 'offset_expired') throw error
    throw new StreamstackError(
      'offset_expired',
      'The channel no longer holds the messages after this offset, or has begun anew since. Read it without an offset for its history, or with ?offset=now for what comes.',
      { details: error.details ?? {} },
    )
  }
}

/** A reader; an EventSource can send its token in the URL alone. */
function readerOf(call: OwnCall): Promise<PresentedToken | null> {
  return callerOf(call, call.query.get('access_token'))
}

/** Null: there is no token, or the server checks none, so that it says nothing. Throws `unauthenticated`. */
async function callerOf({ engine, request, query }: OwnCall, inUrl: string | null): Promise<PresentedToken | null> {
  const { authorization } = request.headers
  if (
    query.has('access_token') &&
    authorization === undefined &&
    !(engine.settings.channels.tokenInUrl && inUrl !== null)
  ) {
    throw new StreamstackError(
      'unauthenticated',
      'Tokens are not read from URLs here, for those end up in logs. Send Authorization: Bearer <token>; for an EventSource the operator can set channels.token_in_url.',
    )
  }
  const header = authorization ?? (inUrl === null ? undefined : `Bearer ${inUrl}`)
  if (header === undefined || engine.verifier === null) return null
  return PresentedToken.check(engine.verifier, header)
}

/** An answer to a URL with a token is nobody else's, and pages that it leads to must not learn the URL (RFC 6750 §2.3). */
function tokenHeaders(query: URLSearchParams): Record<string, string> {
  return query.has('access_token') ? { 'Cache-Control': 'private, no-store', 'Referrer-Policy': 'no-referrer' } : {}
}

/** `bytesMax`: of the message. */
async function messageIn(
  { engine, request, response }: OwnCall,
  bytesMax: number,
): Promise<Pick<Message, 'content' | 'metadata'>> {
  const { bodyLimitBytes } = engine.settings.server
  const envelopeBytes = bytesMax * ENVELOPE_FACTOR + ENVELOPE_BYTES
  let body: ReturnType<typeof parseBody>
  try {
    const bytes = await readBody(request, Math.min(bodyLimitBytes, envelopeBytes))
    body = parseBody(bytes, request.headers['content-type'], MESSAGE_EXAMPLE)
  } catch (error) {
    // The rest of a body that is too large is not worth reading; HTTP/2 has no such header.
    const isTooLarge = error instanceof StreamstackError && error.code === 'body_too_large'
    if (isTooLarge && request.httpVersionMajor === 1) response.setHeader('Connection', 'close')
    // The server's limit is told only of a message that might fit the channel.
    throw isTooLarge && bodyLimitBytes >= bytesMax ? messageTooLarge(bytesMax) : error
  }
  if (body instanceof URLSearchParams) {
    throw new StreamstackError(
      'media_type_unsupported',
      'A message is JSON. Send it with Content-Type: application/json.',
    )
  }
  for (const key of Object.keys(body)) {
    if (MESSAGE_KEYS.includes(key)) continue
    const near = didYouMean(key, MESSAGE_KEYS)
    const cure = near === null ? 'Send {"content": …, "metadata": {…}}.' : `Did you mean "${near}"?`
    throw new StreamstackError('input_invalid', `A message has no ${JSON.stringify(key.slice(0, 60))}. ${cure}`)
  }
  const { content, metadata = null } = body
  if (content === undefined) {
    throw new StreamstackError('input_invalid', 'The message has no content. Send {"content": …}, with any JSON in it.')
  }
  return { content, metadata }
}

function dataIn(query: URLSearchParams): Value {
  const data = query.get('data')
  if (data === null) return null
  try {
    return JSON.parse(data) as Value
  } catch {
    // The engine's own message would quote it.
    throw new StreamstackError('input_invalid', '`data` must be JSON, such as data={"name":"Ada"}, encoded for a URL.')
  }
}

/** A whole result does not come from a stream without an end: this is what there is of it now. */
async function heldJson(call: OwnCall, source: Subscription, position: number): Promise<string> {
  const record = channelRecord(call.engine, source)
  record.attached(source.stream, position)
  try {
    return await collectJson(call, source, position, record)
  } finally {
    record.detached()
  }
}

async function collectJson(
  { response, query }: OwnCall,
  source: Subscription,
  position: number,
  record: ReaderRecord,
): Promise<string> {
  const { log } = source.stream
  const result = new JsonResult(RESULT_BYTES_MAX, chooseKinds(query))
  const held = new HeldResult(response)
  const through = log.lastOffset
  let after = position
  for (let batches = 1; after < through; batches++) {
    if (batches % BATCHES_AT_ONCE === 0) await setImmediate()
    if (after < log.droppedOffset)
      throw new StreamstackError('reader_too_slow', 'The channel went on too fast. Ask again.')
    const batch = await log.read(after)
    if (batch === null) break
    result.add(batch, source.select)
    held.growTo(result.bytes)
    after = batch.offset + batch.to - batch.from - 1
  }
  record.wrote(after, performance.now())
  return `{"chunks":${result.chunksJson()},"offset":${after}}`
}
