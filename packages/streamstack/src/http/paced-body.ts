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

/** Bodies in chunks that begin and are read on at once, in one turn of the event loop. */
const NEW_AT_ONCE = 2

/** Connections that rest are read one in a turn, or up to so many while few pieces come. */
const READ_PER_TURN = 4

interface Resting {
  readonly socket: Socket
  readonly onRead: () => void
}

const bodies: Resting[] = []
let perTurn = 1
/** Pieces of bodies since the last time that resting connections were read on. */
let piecesRead = 0
let bodiesInTurn = 0

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
  if (bodiesInTurn === 0) setImmediate(() => (bodiesInTurn = 0))
  // Of many that begin in one turn, each would be read once before it rests.
  if (++bodiesInTurn > NEW_AT_ONCE) {
    isResting = true
    rest({ socket: request.socket, onRead: () => (isResting = false) })
  }
  request.push = (piece, encoding) => {
    piecesRead++
    if (++count % PIECES_AT_ONCE === 0 && !isResting) {
      isResting = true
      rest({ socket: request.socket, onRead: () => (isResting = false) })
    }
    return push(piece, encoding)
  }
  // Node drops what is left of a body behind its answer without `push`.
  Object.assign(request, { _dump: () => request.resume() })
}

function rest(one: Resting): void {
  handleOf(one.socket)?.readStop?.()
  bodies.push(one)
  if (bodies.length === 1) setImmediate(readNext)
}

function readNext(): void {
  perTurn = piecesRead < PIECES_AT_ONCE ? Math.min(perTurn * 2, READ_PER_TURN) : 1
  piecesRead = 0
  let left = perTurn
  for (let next = bodies.shift(); next !== undefined; next = bodies.shift()) {
    next.onRead()
    const handle = handleOf(next.socket)
    // It may be closed, or paused for another reason, which ends by itself.
    if (handle?.reading !== true) continue
    handle.readStart?.()
    if (--left === 0) break
  }
  if (bodies.length > 0) setImmediate(readNext)
}

function handleOf(socket: Socket): Handle | null | undefined {
  return (socket as { _handle?: Handle | null })._handle
}
