import { BytePieces } from '../../coding/index.ts'
import { readBody } from '../../input/index.ts'
import { isJson, isJsonInPieces } from '../../stream-store/index.ts'
import { inTurnsOfLargeBody, isLarge } from '../call/large-body.ts'
import { type StreamCall, headerOf, refuse } from './stream-call.ts'

/** Bodies announced with at most this length are read without a promise; most appends are. They count as nothing held. */
const SMALL_BYTES = 16_384

/**
 * Reads a request's body, and refuses the call when that fails. Most appends come in one piece, which is passed on as it is. Large JSON waits for a
 * turn of the event loop, and later bodies for the same stream wait behind it. `isJsonText`: whether it is JSON; undefined: that has not been found out.
 */
export function withBody(call: StreamCall, then: (body: Buffer, isJsonText?: boolean) => void): void {
  const { request, service } = call
  const limitBytes = service.bodyLimitBytes
  const { 'content-encoding': coding, 'content-length': length, 'transfer-encoding': transfer } = request.headers
  const isBodiless = length === undefined && transfer === undefined && request.httpVersionMajor === 1
  const bytes = isBodiless ? 0 : Number(length ?? Infinity)
  if (coding !== undefined || bytes > Math.min(SMALL_BYTES, limitBytes)) {
    readBody(request, limitBytes)
      .then((body) => inTurn(call, body, then))
      .catch((error: unknown) => refuse(call, error))
    return
  }
  // The client disconnected in the middle of its body: no answer can reach it.
  request.on('error', () => undefined)
  const pieces = new BytePieces()
  request.on('data', (piece: Buffer) => pieces.push(piece))
  const finish = (): void => {
    if (!request.aborted) inTurn(call, pieces.joined(), then)
  }
  request.on('end', () => {
    // Over HTTP/2 a body that was cut off ends like a whole one, and says so only later in the same turn.
    if (request.httpVersionMajor === 2) setImmediate(finish)
    else finish()
  })
}

function inTurn(call: StreamCall, body: Buffer, then: (body: Buffer, isJsonText?: boolean) => void): void {
  const { waitingBodies } = call.service
  const before = waitingBodies.size === 0 ? undefined : waitingBodies.get(call.name)
  const asksForTurn = isLarge(body) && mayBeJson(call)
  if (before === undefined && !asksForTurn) return then(body)
  const checked = asksForTurn ? inTurnsOfLargeBody(body, isJsonInPieces(body), call) : undefined
  const own = Promise.all([checked, before]).then(([isJsonText]) => {
    if (waitingBodies.get(call.name) === own) waitingBodies.delete(call.name)
    then(body, isJsonText)
  })
  waitingBodies.set(call.name, own)
  own.catch((error: unknown) => refuse(call, error))
}

/** A fork may leave the type of its stream out. */
function mayBeJson({ request }: StreamCall): boolean {
  const type = headerOf(request, 'content-type')
  return type === null || isJson(type)
}
