import type { ClientMessage, ServerMessage } from '@streamstack/protocol'
import { WebSocket } from 'ws'

export interface OpenOptions {
  headers?: Readonly<Record<string, string>>
  protocols?: readonly string[]
  /** With its question mark. */
  query?: string
  /** Whether the certificate must be one that is known. */
  rejectUnauthorized?: boolean
}

export interface Closed {
  readonly code: number
  readonly reason: string
}

/** What a client sends, and what none should. */
export type Sent = ClientMessage | Readonly<Record<string, unknown>>

/** A connection to `/v1/ws` that keeps what it got. */
export interface WebSocketClient extends AsyncDisposable {
  readonly messages: readonly ServerMessage[]
  readonly protocol: string
  send(...messages: readonly Sent[]): void
  sendRaw(data: string | Buffer): void
  /** The first message, from those that came so far on, that a test holds for. Rejects when the connection closes without it. */
  until<T extends ServerMessage>(test: (message: ServerMessage) => message is T): Promise<T>
  until(test: (message: ServerMessage) => boolean): Promise<ServerMessage>
  /** Settles when it is closed, by whomever. */
  readonly closed: Promise<Closed>
  pause(): void
  resume(): void
  ping(): void
  close(): void
  /** Hangs up without a word. */
  terminate(): void
}

export async function openWebSocket(base: string, options: OpenOptions = {}): Promise<WebSocketClient> {
  const socket = new WebSocket(
    `${base.replace(/^http/, 'ws')}/v1/ws${options.query ?? ''}`,
    [...(options.protocols ?? [])],
    {
      headers: options.headers,
      rejectUnauthorized: options.rejectUnauthorized ?? true,
    },
  )
  const messages: ServerMessage[] = []
  let waiting: {
    test: (message: ServerMessage) => boolean
    resolve: (message: ServerMessage) => void
    reject: (error: Error) => void
  }[] = []
  let end: Closed | null = null
  socket.on('message', (data) => {
    const message = JSON.parse((data as Buffer).toString()) as ServerMessage
    messages.push(message)
    waiting = waiting.filter(({ test, resolve }) => {
      if (!test(message)) return true
      resolve(message)
      return false
    })
  })
  const closed = new Promise<Closed>((resolve) => {
    socket.once('close', (code, reason) => {
      end = { code, reason: reason.toString() }
      for (const { reject } of waiting) reject(new Error(`closed with ${code}: ${JSON.stringify(messages.slice(-5))}`))
      waiting = []
      resolve(end)
    })
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
    socket.once('unexpected-response', (_request, response) => {
      response.setEncoding('utf8')
      let text = ''
      response.on('data', (piece: string) => (text += piece))
      response.on('end', () => reject(new RefusedHandshake(response.statusCode ?? 0, text)))
    })
  })
  // What goes wrong later shows at `closed`.
  socket.on('error', () => undefined)
  return {
    messages,
    closed,
    get protocol() {
      return socket.protocol
    },
    send(...sent) {
      for (const message of sent) socket.send(JSON.stringify(message))
    },
    sendRaw: (data) => socket.send(data),
    until: (test: (message: ServerMessage) => boolean): Promise<never> =>
      new Promise((resolve, reject) => {
        const known = messages.find(test)
        if (known !== undefined) resolve(known as never)
        else if (end !== null) reject(new Error(`closed with ${end.code}: ${JSON.stringify(messages.slice(-5))}`))
        else waiting.push({ test, resolve: (message) => resolve(message as never), reject })
      }),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    ping: () => socket.ping(),
    close: () => socket.close(),
    terminate: () => socket.terminate(),
    async [Symbol.asyncDispose]() {
      socket.terminate()
      await closed
    },
  }
}

/** The server answered the handshake with a status. */
export class RefusedHandshake extends Error {
  readonly status: number
  readonly text: string

  constructor(status: number, text: string) {
    super(`the handshake was refused with ${status}: ${text}`)
    this.status = status
    this.text = text
  }
}

/** Messages under an id. */
export function under(messages: readonly ServerMessage[], id: string): ServerMessage[] {
  return messages.filter((message) => 'id' in message && message.id === id)
}

/** Contents of the chunks under an id. */
export function contentsOf(messages: readonly ServerMessage[], id: string): unknown[] {
  return under(messages, id).flatMap((message) => (message.type === 'chunk' ? [message.content] : []))
}

export const isEnd =
  (id: string) =>
  (message: ServerMessage): message is Extract<ServerMessage, { type: 'end' }> =>
    message.type === 'end' && message.id === id

export const isError =
  (id: string | null) =>
  (message: ServerMessage): message is Extract<ServerMessage, { type: 'error' }> =>
    message.type === 'error' && message.id === id

export const isType =
  <T extends ServerMessage['type']>(type: T) =>
  (message: ServerMessage): message is Extract<ServerMessage, { type: T }> =>
    message.type === type
