import { type FormatName, StreamstackError, type Value, toStreamstackError } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import { type Message, type PresenceView, type Subscription, messageTooLarge, nameOfPath } from '../channel/index.ts'
import { chooseFormat, chooseKinds } from '../format/index.ts'
import { inTurnsOfLargeBody, isLarge } from './call/large-body.ts'
import {
  type BodyExample,
  holdsLongNumber,
  longNumberFault,
  parseBody,
  parseBodyInPieces,
  parseJson,
  readBody,
} from '../input/index.ts'
import type { ReaderRecord } from '../observe/index.ts'
import { after } from '../storage/index.ts'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { onAnswerOver } from './answer/answer-over.ts'
import { channelRecord } from './channel-record.ts'
import { CHANNELS_ROOT, CHANNEL_STREAMS_ROOT, PRESENCE_ROOT } from './channel-paths.ts'
import { checkChannelQuery } from './check-channel-query.ts'
import { endWithToken } from './reader/end-with-token.ts'
import { answerWhole } from './answer/answer-whole.ts'
import { idempotencyKey } from './call/idempotency-key.ts'
import { readByProtocol } from './reader/read-by-protocol.ts'
import { type Exchange, SECRET_URL_HEADERS } from './exchange.ts'
import type { Operation } from './route.ts'
import { channelPublish, channelRead, presenceRead } from './route-inputs.ts'
import { startPosition } from './reader/start-position.ts'
import { Stay } from './stay.ts'
import { answerStream } from './reader/stream-answer.ts'

/** What a message may take on the wire besides its content: names, escapes, white space. */
const ENVELOPE_FACTOR = 6
const ENVELOPE_BYTES = 1_024

const MESSAGE_KEYS: readonly string[] = ['content', 'metadata']

const MESSAGE_EXAMPLE: BodyExample = {
  list: 'Put it into an object: {"content": [ … ]}.',
  object: 'Send an object: {"content": …}.',
}

/** With `?presence=true` others see the reader. */
export const readChannel: Operation = {
  summary: 'Reads a channel: its history, then what comes, or what comes after an offset.',
  answers: 'stream',
  otherMethods: `Publish with POST to ${CHANNELS_ROOT}<name>, read with GET.`,
  handle(exchange) {
    const { engine, request, response, query, inputs, caller } = exchange
    checkChannelQuery(query, channelRead)
    const name = nameIn(exchange, CHANNELS_ROOT)
    return after(engine.channels.subscribe(name, caller), (source) => {
      const format = chooseFormat({ asked: query.get('format'), accept: request.headers.accept })
      const position = positionIn(source, exchange)
      // A reader that only asks what there is now is not seen.
      const isSeen = inputs['presence'] === 'true' && format !== 'json'
      const stay = isSeen ? new Stay(engine.channels, name, dataIn(query), caller) : null
      if (stay !== null) onAnswerOver(response, () => stay.leave())
      follow(exchange, { source, stay }, format, position, channelRecord(engine, source))
    })
  },
}

export const readChannelByProtocol: Operation = {
  summary: 'Reads a channel by the open Durable Streams protocol.',
  answers: 'stream',
  otherMethods: `Publish with POST to ${CHANNELS_ROOT}<name>; here a channel is read.`,
  handle(exchange) {
    const { engine, response, caller } = exchange
    return after(engine.channels.subscribe(nameIn(exchange, CHANNEL_STREAMS_ROOT), caller), (source) => {
      endWithToken({ engine, response, source, caller })
      readByProtocol(exchange, source, channelRecord(engine, source))
    })
  },
}

/** Answers 201 with the offset when the message is kept. */
export const publishToChannel: Operation = {
  summary: 'Publishes a message to a channel, and answers with its offset.',
  answers: 'whole',
  async handle(exchange) {
    const { engine } = exchange
    const { name, message } = await messageOf(exchange).catch((error: unknown) => {
      countRefusal(exchange, error)
      throw error
    })
    const published = await engine.channels.publish(name, exchange.caller, message)
    answerWhole(exchange, { status: 201, body: JSON.stringify(published) })
  },
  onRefused: countRefusal,
}

/** With `json` it returns the current members. */
export const readPresence: Operation = {
  summary: 'Reads who is in a channel, then who joins and leaves.',
  answers: 'stream',
  otherMethods: `A member joins with GET ${CHANNELS_ROOT}<name>?presence=true; here members are read.`,
  handle(exchange) {
    const { engine, request, query, caller } = exchange
    checkChannelQuery(query, presenceRead)
    const name = nameIn(exchange, PRESENCE_ROOT)
    const format = chooseFormat({ asked: query.get('format'), accept: request.headers.accept })
    if (format === 'json') {
      const members = engine.channels.members(name, caller)
      return answerWhole(exchange, { body: JSON.stringify({ members }) })
    }
    // Every reading begins with all members, so a reconnecting reader needs no offset.
    follow(exchange, { source: engine.channels.presence(name, caller), stay: null }, format, 0)
  },
}

/** Channels count themselves what they refuse later. */
function countRefusal({ engine }: Exchange, error: unknown): void {
  engine.observation.channelObserver.refused(toStreamstackError(error).code)
}

/** Checks the right to publish before it reads the body. */
async function messageOf(exchange: Exchange): Promise<{ name: string; message: Message }> {
  const { engine, request, query, caller } = exchange
  checkChannelQuery(query, channelPublish)
  const name = nameIn(exchange, CHANNELS_ROOT)
  const bytesMax = engine.channels.checkPublish(name, caller)
  const key = idempotencyKey(request.headers, query)
  return { name, message: { ...(await messageIn(exchange, bytesMax)), key } }
}

interface Followed {
  readonly source: Subscription | PresenceView
  /** Null: others do not see the reader. */
  readonly stay: Stay | null
}

function follow(
  call: Exchange,
  { source, stay }: Followed,
  format: FormatName,
  position: number,
  record?: ReaderRecord,
): void {
  const { engine, response, query, heartbeat } = call
  const reader = answerStream({
    engine,
    source,
    response,
    format,
    metadata: call.inputs['include_metadata'] === 'true',
    kinds: chooseKinds(query),
    position,
    headers: { ...call.corsHeaders, ...tokenHeaders(query) },
    heartbeat,
    ...(record === undefined ? {} : { record }),
  })
  reader.begin()
  // The first message may be far off: who reads must not wonder until then whether the server is there.
  reader.open?.()
  const guarded = {
    expiresAtMs: source.expiresAtMs,
    renew(caller: Caller): void {
      source.renew(caller)
      stay?.renew(caller)
    },
    refuse: (error: StreamstackError): void => source.refuse(error),
  }
  endWithToken({ engine, response, source: guarded, caller: call.caller })
}

function nameIn({ path }: Exchange, root: string): string {
  // No channel has an empty name.
  return nameOfPath(path.slice(root.length)) ?? ''
}

function positionIn(source: Subscription, { request, query }: Exchange): number {
  try {
    return startPosition(source, request, query)
  } catch (error) {
    if (!(error instanceof StreamstackError) || error.code !== 'offset_expired') throw error
    throw new StreamstackError(
      'offset_expired',
      'The channel no longer holds the messages after this offset, or has begun anew since. Read it without an offset for its history, or with ?offset=now for what comes.',
      { details: error.details ?? {} },
    )
  }
}

/** An answer to a URL with a token is private, and pages that it leads to must not learn the URL (RFC 6750 §2.3). */
function tokenHeaders(query: URLSearchParams): Readonly<Record<string, string>> {
  return query.has('access_token') ? SECRET_URL_HEADERS : {}
}

/** `bytesMax`: of the message. */
async function messageIn(exchange: Exchange, bytesMax: number): Promise<Pick<Message, 'content' | 'metadata'>> {
  const { engine, request } = exchange
  const { bodyLimitBytes } = engine.settings.server
  const envelopeBytes = bytesMax * ENVELOPE_FACTOR + ENVELOPE_BYTES
  let body: ReturnType<typeof parseBody>
  try {
    const bytes = await readBody(request, Math.min(bodyLimitBytes, envelopeBytes))
    const type = request.headers['content-type']
    body = isLarge(bytes)
      ? await inTurnsOfLargeBody(bytes, parseBodyInPieces(bytes, type, MESSAGE_EXAMPLE), exchange)
      : parseBody(bytes, type, MESSAGE_EXAMPLE)
  } catch (error) {
    const isTooLarge = error instanceof StreamstackError && error.code === 'body_too_large'
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
    const cure = didYouMeanOr(near, 'Send {"content": …, "metadata": {…}}.')
    throw new StreamstackError('input_invalid', `A message has no ${JSON.stringify(key.slice(0, 60))}. ${cure}`)
  }
  const long = longNumberFault(body, ['content', 'metadata'])
  if (long !== null) throw new StreamstackError('input_invalid', long)
  const { content, metadata = null } = body
  if (content === undefined) {
    throw new StreamstackError('input_invalid', 'The message has no content. Send {"content": …}, with any JSON in it.')
  }
  return { content, metadata }
}

function dataIn(query: URLSearchParams): Value {
  const data = query.get('data')
  if (data === null) return null
  const parsed = parseJson(data)
  if ('fault' in parsed) throw badData(parsed.fault)
  const { value } = parsed
  const isLong = holdsLongNumber(value) || (typeof value === 'string' && !data.trimStart().startsWith('"'))
  if (isLong) throw badData('holds a whole number beyond 2^53, which readers would round; send it in quotes')
  return value
}

function badData(fault: string): StreamstackError {
  return new StreamstackError(
    'input_invalid',
    `\`data\` ${fault}. It must be JSON, such as data={"name":"Ada"}, encoded for a URL.`,
  )
}
