import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** After so many pieces of a body its connection rests. */
const PIECES_AT_ONCE = 1_000

/** What Node reads a socket with. It documents no way to stop reading one whose request takes what comes. */
interface Handle {
  readonly reading?: boolean
  readStop?(): void
  readStart?(): void
}

const resting: { readonly socket: Socket; readonly onRead: () => void }[] = []

/**
 * Lets the connection of a body in chunks (HTTP/1.1) rest now and then: those that rest are read on one in a turn of the event loop, in their order. One
 * read holds up to 10,000 chunks of one byte, 20 ms of work for Node's parser alone, whether or not the body is wanted. Bodies with a length come in
 * pieces as large as the reads.
 */
export function paceBody(request: IncomingMessage): void {
  if (request.headers['transfer-encoding'] === undefined || request.httpVersionMajor !== 1) return
  const push = request.push.bind(request)
  let count = 0
  let isResting = false
  request.push = (piece, encoding) => {
    if (++count % PIECES_AT_ONCE === 0 && !isResting) {
      isResting = true
      rest(request.socket, () => (isResting = false))
    }
    return push(piece, encoding)
  }
  // Node drops what is left of a body behind its answer without `push`.
  Object.assign(request, { _dump: () => request.resume() })
}

function rest(socket: Socket, onRead: () => void): void {
  handleOf(socket)?.readStop?.()
  resting.push({ socket, onRead })
  if (resting.length === 1) setImmediate(readNext)
}

function readNext(): void {
  for (let next = resting.shift(); next !== undefined; next = resting.shift()) {
    next.onRead()
    const handle = handleOf(next.socket)
    // It may be closed, or paused for another reason, which ends by itself.
    if (handle?.reading !== true) continue
    handle.readStart?.()
    break
  }
  if (resting.length > 0) setImmediate(readNext)
}

function handleOf(socket: Socket): Handle | null | undefined {
  return (socket as { _handle?: Handle | null })._handle
}
