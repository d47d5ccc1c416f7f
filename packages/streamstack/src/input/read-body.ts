import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { StreamstackError } from '@streamstack/protocol'
import { arrivals } from '../stream/index.ts'
import { BytePieces, type ContentCoding, contentCodings, decodeWhole, readContentCoding } from '../coding/index.ts'

/** A request of `node:http`, or of `node:http2`'s compatibility API. */
export type BodyRequest = Readable & { readonly headers: IncomingHttpHeaders; readonly httpVersionMajor?: number }

/** Bodies up to this size are read whatever else is held. */
const UNCOUNTED_BYTES = 16_384

/** When to try again while there is no room. */
const RETRY_MS = 1_000

/**
 * Reads a request body whole. It never holds more than `limitBytes` as sent, nor more than `limitBytes` once
 * decompressed. A body whose Content-Length is too large is refused before anything of it is read.
 *
 * When it rejects with `body_too_large`, the rest of the body may still be on its way: over HTTP/1.1 answer with `Connection: close` and
 * destroy the request after the answer, over HTTP/2 reset the stream. After `unavailable` the rest is read and dropped.
 *
 * @throws StreamstackError `body_too_large`, `body_unreadable` (broken off, or not what Content-Encoding says),
 * `media_type_unsupported`, or `unavailable` when bodies and runs together hold as much as they may, for the body or one that comes more slowly.
 */
export async function readBody(request: BodyRequest, limitBytes: number): Promise<Buffer> {
  const coding = readCoding(request.headers['content-encoding'])
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes)
  const bytes = await collect(request, limitBytes)
  return coding === null || bytes.length === 0 ? bytes : decode(bytes, coding, limitBytes)
}

function readCoding(header: string | undefined): ContentCoding | null {
  const coding = readContentCoding(header)
  if (coding !== undefined) return coding
  throw new StreamstackError(
    'media_type_unsupported',
    `This Content-Encoding is not read. Use one of: ${contentCodings.join(', ')}, or none.`,
  )
}

function collect(request: BodyRequest, limitBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const pieces = new BytePieces()
  const arrival = arrivals.begin(giveUp)
  let received = 0
  let isSettled = false

  function onData(piece: Buffer): void {
    received += piece.length
    if (received > limitBytes) {
      request.pause()
      settle(() => reject(tooLarge(limitBytes)))
      return
    }
    arrival.set(received)
    if (received > UNCOUNTED_BYTES && !arrival.hasRoom()) giveUp()
    if (!isSettled) pieces.push(piece)
  }
  function giveUp(): void {
    if (isSettled) return
    settle(() => reject(noRoom()))
    dropRest(request, limitBytes - received)
  }
  // Node ends the readable side of an HTTP/2 stream that was reset like that of a complete one, and says `aborted` only
  // afterwards, in the same turn of the event loop.
  function onEnd(): void {
    if (request.httpVersionMajor === 2) setImmediate(finish)
    else finish()
  }
  function finish(): void {
    settle(() => resolve(pieces.joined()))
  }
  function onBroken(cause?: unknown): void {
    settle(() => reject(brokenOff(cause)))
  }
  function settle(act: () => void): void {
    isSettled = true
    arrival.set(0)
    request.off('data', onData).off('end', onEnd).off('aborted', onBroken).off('close', onBroken)
    // A connection that breaks after the refusal must not bring the process down. Listeners from here would keep the body
    // in memory as long as the request, which is as long as the run.
    request.off('error', onBroken).on('error', ignore)
    act()
  }

  if (request.destroyed || request.readableEnded) return Promise.reject(brokenOff())
  request.on('error', onBroken)
  request.on('aborted', onBroken).on('close', onBroken).on('end', onEnd).on('data', onData)
  return promise
}

async function decode(bytes: Buffer, coding: ContentCoding, limitBytes: number): Promise<Buffer> {
  try {
    return await decodeWhole(bytes, coding, limitBytes)
  } catch (cause) {
    if (cause instanceof RangeError && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(limitBytes)
    const message = `The body cannot be decompressed: it is not ${coding}, or not complete. Send it uncompressed.`
    throw new StreamstackError('body_unreadable', message, { cause })
  }
}

function tooLarge(limitBytes: number): StreamstackError {
  const limit = limitBytes.toLocaleString('en')
  const message = `The request body is larger than the ${limit} bytes that this server accepts. Send less, or raise server.body_limit.`
  return new StreamstackError('body_too_large', message, { details: { limit_bytes: limitBytes } })
}

/** Reads on without keeping anything: the next request on the connection stands behind this body, and would never be read. */
function dropRest(request: BodyRequest, bytesMax: number): void {
  let left = bytesMax
  request.on('data', (piece: Buffer) => {
    left -= piece.length
    if (left < 0) request.destroy()
  })
}

function ignore(): void {}

function noRoom(): StreamstackError {
  return new StreamstackError('unavailable', 'The server holds as much as it can. Call again in a moment.', {
    retryAfterMs: RETRY_MS,
  })
}

function brokenOff(cause?: unknown): StreamstackError {
  return new StreamstackError('body_unreadable', 'The request ended before its body was complete. Send it again.', {
    cause,
  })
}
