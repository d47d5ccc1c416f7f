import type { IncomingMessage } from 'node:http'
import { after } from '../../storage/index.ts'
import { type CreateRequest, describeStream, isJson, jsonMessages } from '../../stream-store/index.ts'
import { type Headers, type StreamCall, absoluteUrl, answer, headerInvalid, headerOf, settle } from './stream-call.ts'
import { streamName } from './stream-name.ts'
import { withBody } from './whole-body.ts'

const WHOLE_NUMBER = /^(0|[1-9]\d{0,14})$/
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i

/** `PUT`: makes a stream, or finds it as it was asked for. */
export function createStream(call: StreamCall): void {
  const { request, service, name } = call
  withBody(call, (body, isJsonText) => {
    settle(
      call,
      () => after(createRequest(call, body, isJsonText), (asked) => service.store.create(name, asked)),
      ({ isNew, stream }) => {
        const { contentType, nextOffset, isClosed } = describeStream(stream)
        const headers: Headers = { 'Content-Type': contentType, 'Stream-Next-Offset': nextOffset }
        if (isClosed) headers['Stream-Closed'] = 'true'
        if (isNew) headers['Location'] = absoluteUrl(call, request.url?.split('?')[0] ?? call.path)
        answer(call, isNew ? 201 : 200, headers)
      },
    )
  })
}

function createRequest(
  { request, service }: StreamCall,
  body: Buffer,
  isJsonText?: boolean,
): CreateRequest | Promise<CreateRequest> {
  const fork = forkOrigin(request)
  const sent = headerOf(request, 'content-type')?.trim() || null
  const source = sent === null && fork !== null ? service.store.find(fork.from) : null
  return after(source, (forked) => {
    const contentType = sent ?? forked?.record.contentType ?? null
    const isJsonStream = contentType !== null && isJson(contentType)
    return {
      contentType: sent,
      ...expiry(request),
      data: body.length === 0 ? null : isJsonStream ? jsonMessages(body, isJsonText) : body,
      close: headerOf(request, 'stream-closed') === 'true',
      fork,
    }
  })
}

function expiry(request: IncomingMessage): Pick<CreateRequest, 'ttlSeconds' | 'expiresAt'> {
  const ttl = headerOf(request, 'stream-ttl')
  const expiresAt = headerOf(request, 'stream-expires-at')
  if (ttl !== null && expiresAt !== null) throw headerInvalid('Send Stream-TTL or Stream-Expires-At, not both.')
  if (ttl !== null && !WHOLE_NUMBER.test(ttl)) throw headerInvalid('Stream-TTL must be a whole number of seconds.')
  if (expiresAt !== null && (!RFC_3339.test(expiresAt) || Number.isNaN(Date.parse(expiresAt)))) {
    throw headerInvalid('Stream-Expires-At must be a time as 2030-01-31T12:00:00Z (RFC 3339).')
  }
  return { ttlSeconds: ttl === null ? null : Number(ttl), expiresAt }
}

/** The stream that a new one continues, by its headers; null: none. Throws `header_invalid`. */
export function forkOrigin(request: IncomingMessage): CreateRequest['fork'] {
  const from = headerOf(request, 'stream-forked-from')
  const offset = headerOf(request, 'stream-fork-offset')
  const subOffset = headerOf(request, 'stream-fork-sub-offset')
  if (from === null) {
    if (offset === null && subOffset === null) return null
    throw headerInvalid('Stream-Fork-Offset and Stream-Fork-Sub-Offset need Stream-Forked-From.')
  }
  if (subOffset !== null && !WHOLE_NUMBER.test(subOffset)) {
    throw headerInvalid('Stream-Fork-Sub-Offset must be a whole number.')
  }
  return { from: streamName(from), offset, subOffset: Number(subOffset ?? 0) }
}
