import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ClientMessage, ServerMessage } from '@streamstack/protocol'
import { type WebSocket, WebSocketServer } from 'ws'

/** One WebSocket as the server sees it. */
export interface Peer {
  /** As offered in `Sec-WebSocket-Protocol`. */
  readonly protocols: readonly string[]
  readonly received: ClientMessage[]
  send(message: ServerMessage): void
  sendText(text: string): void
  close(code: number, reason?: string): void
  /** Stays open and does what it is asked, but nothing reaches the client any more. */
  freeze(): void
}

interface Message {
  content: unknown
  metadata: Record<string, unknown> | null
}

/**
 * A server that speaks the WebSocket protocol with channels in memory, and does wrong whatever a test wants: for what a good server never does. The same channels
 * stand under `/v1/channels/` over HTTP.
 */
export class SocketServer implements AsyncDisposable {
  readonly peers: Peer[] = []
  /** Requests that were no handshakes. */
  readonly requests: string[] = []
  readonly published: Message[] = []
  /** Handshakes that came in, also those that were turned away. */
  handshakes = 0
  /** Turns a handshake away. */
  refuses: (handshake: number) => boolean = () => false
  /** Whether HTTP is turned away, too. */
  refusesHttp = false
  /** Answers a message in another way; true: it did. */
  answers: (peer: Peer, message: ClientMessage) => boolean = () => false
  welcome: ServerMessage | null = { type: 'welcome', subject: null, expires_in: null }
  readonly #keys = new Map<string, number>()
  readonly #readers = new Set<(offset: number, message: Message) => void>()
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'streamstack.v1' })
  readonly #server = createServer((request, response) => this.#request(request, response))

  static async start(): Promise<SocketServer> {
    const server = new SocketServer()
    server.#server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => undefined)
      if (server.refuses(++server.handshakes)) socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
      else server.#sockets.handleUpgrade(request, socket, head, (peer) => server.#accept(peer, request))
    })
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The newest connection. */
  get peer(): Peer {
    const peer = this.peers.at(-1)
    if (peer === undefined) throw new Error('no client has connected')
    return peer
  }

  publish(content: unknown, metadata: Message['metadata'] = null): number {
    const message = { content, metadata }
    const offset = this.published.push(message)
    for (const reader of this.#readers) reader(offset, message)
    return offset
  }

  #accept(socket: WebSocket, request: IncomingMessage): void {
    let isFrozen = false
    const leaves = new Map<string, () => void>()
    const peer: Peer = {
      protocols: (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim()),
      received: [],
      send: (message) => peer.sendText(JSON.stringify(message)),
      sendText: (text) => isFrozen || socket.send(text),
      close: (code, reason) => socket.close(code, reason),
      freeze: () => (isFrozen = true),
    }
    this.peers.push(peer)
    socket.on('close', () => {
      for (const leave of leaves.values()) leave()
    })
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as ClientMessage
      peer.received.push(message)
      if (!this.answers(peer, message)) this.#answer(peer, message, leaves)
    })
    if (this.welcome !== null) peer.send(this.welcome)
  }

  #answer(peer: Peer, message: ClientMessage, leaves: Map<string, () => void>): void {
    switch (message.type) {
      case 'ping':
        return peer.send({ type: 'pong' })
      case 'auth':
        return peer.send({ type: 'welcome', subject: message.token, expires_in: null })
      case 'subscribe': {
        const { id, after = 0 } = message
        peer.send({
          type: 'open',
          id,
          url: '/v1/channels/c',
          run: null,
          after: after === 'now' ? this.published.length : after,
        })
        leaves.set(
          id,
          this.#follow(after, (offset, chunk) => peer.send({ type: 'chunk', id, offset, ...chunk })),
        )
        return
      }
      case 'publish': {
        const { id, content, metadata = null, key = '' } = message
        return peer.send({ type: 'published', id, offset: this.#keep(key, content, metadata) })
      }
      case 'leave':
        leaves.get(message.id)?.()
        return peer.send({ type: 'left', id: message.id })
      default:
        throw new Error(`no answer to ${message.type}`)
    }
  }

  #keep(key: string, content: unknown, metadata: Message['metadata']): number {
    const offset = this.#keys.get(key) ?? this.publish(content, metadata)
    this.#keys.set(key, offset)
    return offset
  }

  #follow(after: number | 'now', send: (offset: number, message: Message) => void): () => void {
    if (after !== 'now') {
      for (const [index, message] of this.published.entries()) if (index >= after) send(index + 1, message)
    }
    this.#readers.add(send)
    return () => void this.#readers.delete(send)
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(`${request.method} ${request.url}`)
    if (this.refusesHttp) request.socket.destroy()
    else if (request.method === 'POST') {
      let body = ''
      request.on('data', (piece: Buffer) => (body += piece.toString()))
      request.on('end', () => {
        const { content, metadata = null } = JSON.parse(body) as Partial<Message>
        response.end(
          JSON.stringify({ offset: this.#keep(String(request.headers['idempotency-key']), content, metadata) }),
        )
      })
    } else {
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson', 'Stream-Url': '/v1/channels/c' })
      response.flushHeaders()
      const after = Number(request.headers['last-event-id'] ?? 0)
      const leave = this.#follow(after, (offset, message) => {
        response.write(`${JSON.stringify({ type: 'chunk', offset, ...message })}\n`)
      })
      response.on('close', leave)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
