import type { IncomingHttpHeaders, Server } from 'node:http'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { FairQueue } from '../run/index.ts'

/** Calls and messages that begin as they are read, in one turn of the event loop. Each costs about 0.1 ms before its run takes turns. */
const BEGUN_AT_ONCE = 64

/** Those that have waited and begin in one turn, with those that began as they were read. With HTTP/2 each costs up to 0.3 ms. */
const BEGUN_PER_TURN = 32

/**
 * Begins calls and messages, few in one turn of the event loop: one read of a socket can hold thousands of requests, streams or frames. Those
 * beyond the bound wait for the next turns; connections take turns with each other, and each keeps its order.
 */
export class CallTurns {
  readonly #waiting = new FairQueue<object, () => boolean>()
  #begun = 0
  #isTurnOpen = false

  /** How many calls of a connection wait. */
  countOf(connection: object): number {
    return this.#waiting.countOf(connection)
  }

  get areAllBegun(): boolean {
    return this.#waiting.isEmpty
  }

  /** Calls `act` at once if nothing waits and this turn has room, else in a later turn. `act` returns false if its caller is gone, which costs no place. */
  begin(connection: object, act: () => boolean): void {
    if (!this.#waiting.isEmpty || this.#begun >= BEGUN_AT_ONCE) return this.beginLater(connection, act)
    this.#openTurn()
    if (act()) this.#begun++
  }

  /** Calls `act` after everything that has been read from the sockets in this turn. */
  beginLater(connection: object, act: () => boolean): void {
    this.#waiting.push(connection, act)
    this.#openTurn()
  }

  #openTurn(): void {
    if (this.#isTurnOpen) return
    this.#isTurnOpen = true
    setImmediate(() => this.#closeTurn())
  }

  #closeTurn(): void {
    this.#isTurnOpen = false
    let begun = this.#begun
    // What these begin in turn waits, too.
    this.#begun = BEGUN_AT_ONCE
    while (begun < BEGUN_PER_TURN) {
      const act = this.#waiting.shift()
      if (act === undefined) break
      if (act()) begun++
    }
    this.#begun = 0
    if (!this.#waiting.isEmpty) this.#openTurn()
  }
}

type StreamListener = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: readonly string[],
) => void

/**
 * Hands HTTP/2 streams to the server in turns. Node's own listener, which makes the request and the response, waits with them: clients open
 * streams and reset them in one write (CVE-2023-44487), and of such streams the server makes nothing.
 */
export function takeStreamsInTurns(server: Server, turns: CallTurns): void {
  server.on('session', (session: ServerHttp2Session) => {
    const own = session.listeners('stream') as StreamListener[]
    session.removeAllListeners('stream')
    session.on('stream', (stream: ServerHttp2Stream, headers, flags, rawHeaders) => {
      // Node's listener would handle a reset with an error code; until then nothing does.
      stream.on('error', ignore)
      turns.beginLater(session, () => {
        if (stream.closed || stream.destroyed) return false
        for (const listener of own) listener.call(session, stream, headers, flags, rawHeaders)
        return true
      })
    })
  })
}

function ignore(): void {}
