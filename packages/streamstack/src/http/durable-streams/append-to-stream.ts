import type { IncomingMessage } from 'node:http'
import { StreamstackError } from '@streamstack/protocol'
import { type AppendRequest, type AppendResult, type Producer, isJson, jsonMessages } from '../../stream-store/index.ts'
import { type Headers, type StreamCall, answer, headerInvalid, headerOf, refuse, settle } from './stream-call.ts'
import { withBody } from './whole-body.ts'

const WHOLE_NUMBER = /^\d{1,16}$/

/** `POST`: appends a body, closes, or both. */
export function appendToStream(call: StreamCall): void {
  const { request, service, name } = call
  let head: Omit<AppendRequest, 'data'>
  try {
    head = readHead(request)
  } catch (error) {
    refuse(call, error)
    return
  }
  withBody(call, (body, isJsonText) => {
    settle(
      call,
      () => service.store.append(name, { ...head, data: dataOf(body, head, isJsonText) }),
      (result) => answer(call, ...appended(result, body.length > 0)),
    )
  })
}

function readHead(request: IncomingMessage): Omit<AppendRequest, 'data'> {
  return {
    contentType: headerOf(request, 'content-type'),
    close: headerOf(request, 'stream-closed') === 'true',
    producer: producerOf(request),
    sequence: headerOf(request, 'stream-seq'),
  }
}

function dataOf(
  body: Buffer,
  { contentType, close }: Omit<AppendRequest, 'data'>,
  isJsonText?: boolean,
): Buffer | null {
  if (body.length === 0) {
    if (close) return null
    throw new StreamstackError('body_unreadable', 'There is nothing to append: the body is empty.')
  }
  if (contentType === null) throw headerInvalid('Content-Type is missing: send that of the stream.')
  if (!isJson(contentType)) return body
  const messages = jsonMessages(body, isJsonText)
  if (messages === null)
    throw new StreamstackError('body_unreadable', 'There is nothing to append: the array is empty.')
  return messages
}

function producerOf(request: IncomingMessage): Producer | null {
  const id = headerOf(request, 'producer-id')
  const epoch = headerOf(request, 'producer-epoch')
  const sequence = headerOf(request, 'producer-seq')
  if (id === null && epoch === null && sequence === null) return null
  if (id === null || epoch === null || sequence === null) {
    throw headerInvalid('Producer-Id, Producer-Epoch and Producer-Seq go together: send all three or none.')
  }
  if (id === '' || id.length > 512) throw headerInvalid('Producer-Id must have 1 to 512 characters.')
  return { id, epoch: wholeNumber('Producer-Epoch', epoch), sequence: wholeNumber('Producer-Seq', sequence) }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (WHOLE_NUMBER.test(text) && Number.isSafeInteger(value)) return value
  throw headerInvalid(`${name} must be a whole number up to ${Number.MAX_SAFE_INTEGER}.`)
}

function appended(result: AppendResult, hasData: boolean): [status: number, headers: Headers] {
  const headers: Headers = { 'Stream-Next-Offset': result.nextOffset }
  if (result.isClosed) headers['Stream-Closed'] = 'true'
  if (result.producer === null) return [204, headers]
  headers['Producer-Epoch'] = result.producer.epoch
  headers['Producer-Seq'] = result.producer.sequence
  return [hasData && !result.isDuplicate ? 200 : 204, headers]
}
