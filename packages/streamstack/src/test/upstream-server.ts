import { type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { piecesOf } from './pieces.ts'
import type { UpstreamAnswer } from './test-case.ts'

const BEFORE_FAULT_MS = 30

/** Plays one upstream: answers each request with the recorded bytes, at their pace, with their faults. */
export class UpstreamServer {
  readonly origin: string
  /** `http://127.0.0.1:port`. */
  url = ''
  /** Requests that were answered, in order. */
  readonly requests: { method: string; path: string; body: string }[] = []
  readonly #server: Server
  readonly #open = new Set<ServerResponse>()
  #answers: readonly UpstreamAnswer[] = []

  constructor(origin: string) {
    this.origin = origin
    this.#server = createServer((request, response) => {
      this.#open.add(response)
      response.on('error', () => undefined)
      response.on('close', () => this.#open.delete(response))
      const answer = this.#answers[Math.min(this.requests.length, this.#answers.length - 1)]
      const seen = { method: request.method ?? 'GET', path: request.url ?? '/', body: '' }
      this.requests.push(seen)
      request.setEncoding('utf8')
      request.on('data', (text: string) => (seen.body += text))
      request.on('end', () => {
        if (answer === undefined) response.writeHead(404).end()
        else void send(answer, response)
      })
    })
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Sets the next answers, the first request first. */
  play(answers: readonly UpstreamAnswer[]): void {
    this.#answers = answers
    this.requests.length = 0
  }

  /** Whether an answer is still being sent. */
  get isBusy(): boolean {
    return this.#open.size > 0
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }
}

async function send(answer: UpstreamAnswer, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, answer.headers)
  response.flushHeaders()
  const pieces = piecesOf(answer)
  for (const [index, piece] of pieces.entries()) {
    if (answer.fault?.afterPieces === index) break
    if (index > 0 && answer.paceMs > 0) await pause(answer.paceMs)
    if (response.destroyed) return
    response.write(piece)
  }
  if (answer.fault === null) response.end()
  else {
    // A reset throws away what its receiver has not read yet.
    await pause(Math.max(answer.paceMs, BEFORE_FAULT_MS))
    strike(answer.fault.kind, response)
  }
}

/** `cut`: the connection closes in the middle of the answer. `reset`: it breaks. `stall`: it stays open and silent. */
function strike(kind: 'cut' | 'reset' | 'stall', response: ServerResponse): void {
  if (kind === 'cut') response.socket?.end()
  else if (kind === 'reset') response.socket?.resetAndDestroy()
}
