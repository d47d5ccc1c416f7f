import { StreamstackError } from '@streamstack/protocol'
import { readBody } from '../../input/index.ts'
import { type StreamCall, refuse } from './stream-call.ts'

/** Reads a request's body, and refuses the call when that fails. Most appends come in one piece, which is passed on as it is. */
export function withBody(call: StreamCall, then: (body: Buffer) => void): void {
  const { request, service } = call
  const limitBytes = service.bodyLimitBytes
  if (request.headers['content-encoding'] !== undefined) {
    readBody(request, limitBytes)
      .then(then)
      .catch((error: unknown) => refuse(call, error))
    return
  }
  // The client disconnected in the middle of its body: no answer can reach it.
  request.on('error', () => undefined)
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
    refuse(call, tooLarge(limitBytes))
    return
  }
  const pieces: Buffer[] = []
  let bytes = 0
  request.on('data', (piece: Buffer) => {
    const isRefused = bytes > limitBytes
    bytes += piece.length
    if (bytes <= limitBytes) pieces.push(piece)
    else if (!isRefused) {
      pieces.length = 0
      refuse(call, tooLarge(limitBytes))
    }
  })
  const finish = (): void => {
    if (bytes > limitBytes || request.aborted) return
    then(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, bytes))
  }
  request.on('end', () => {
    // Over HTTP/2 a body that was cut off ends like a whole one, and says so only later in the same turn.
    if (request.httpVersionMajor === 2) setImmediate(finish)
    else finish()
  })
}

function tooLarge(limitBytes: number): StreamstackError {
  const message = `The body is larger than the ${limitBytes.toLocaleString('en')} bytes that this server accepts. Send less at a time, or raise server.body_limit.`
  return new StreamstackError('body_too_large', message, { details: { limit_bytes: limitBytes } })
}
