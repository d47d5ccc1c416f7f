import { type Decoded, contentKind } from '@streamstack/protocol'
import type { Ask, SharedSocket, Told } from './shared-socket.ts'
import { type StreamError, lost, publicError } from './stream-error.ts'
import type { ProgressCounter } from './progress.ts'
import type { Connection } from './wire.ts'

/** What the consumer of one stream may have waiting, in characters as they arrived. The server is not asked for more until all of it is taken. */
const WAITING_CHARACTERS_MAX = 1_048_576

export interface SocketConnectionOptions {
  /** What is asked, after the last offset that was read. */
  ask: () => Ask
  /** How long to wait when the connection has to be opened first. */
  restMs: number
  signal: AbortSignal
  onOpen: (message: Extract<Told, { type: 'open' }>) => void
  /** Counts the bytes. */
  progress: ProgressCounter
}

/**
 * Reads a stream over the WebSocket that it shares with others; resolves when the server has opened it. A consumer that is `WAITING_CHARACTERS_MAX` behind leaves the
 * stream, and asks for the rest when it has taken what waits: other streams of the connection do not wait for it.
 */
export async function socketConnection(
  socket: SharedSocket,
  { ask, restMs, signal, onOpen, progress }: SocketConnectionOptions,
): Promise<Connection> {
  let items: Decoded[] = []
  let waiting = 0
  let error: StreamError | null = null
  let isOpen = false
  /** Null while the stream is left. */
  let id: string | null = null
  let wake = (): void => undefined

  const leave = (): void => {
    if (id !== null) socket.leave(id)
    id = null
  }
  const fail = (why = lost('The stream is over.')): void => {
    error ??= why
    wake()
  }
  const take = (message: Told, size: number): void => {
    progress.bytes += size
    waiting += size
    if (message.type === 'chunk') items.push({ ...message, kind: message.kind ?? contentKind(message.content) })
    else if (message.type === 'fault') items.push({ ...message, type: 'error' })
    // What was open once may be open again: coming back tells.
    else if (message.type === 'error') fail(publicError(message.error, isOpen || undefined))
    else if (message.type === 'open') {
      isOpen = true
      onOpen(message)
    } else {
      if (message.type === 'end') items.push(message)
      fail()
    }
    if (waiting > WAITING_CHARACTERS_MAX) leave()
    wake()
  }
  const join = (ms: number): void => {
    id = socket.join({ ask, take, fail }, ms)
  }
  /** Something else than before, or the reason why there is nothing more. */
  const news = async (): Promise<void> => {
    if (error === null) await new Promise<void>((resolve) => (wake = resolve))
    if (error !== null && items.length === 0) throw error
  }

  signal.addEventListener('abort', () => {
    leave()
    fail()
  })
  join(restMs)
  while (!isOpen) await news()
  return {
    format: 'ndjson',
    async read() {
      while (items.length === 0) {
        if (id === null && error === null) join(0)
        await news()
      }
      const taken = items
      items = []
      waiting = 0
      return taken
    },
  }
}
