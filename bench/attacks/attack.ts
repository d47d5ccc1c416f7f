import { type Socket, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The server under attack. */
export interface Target {
  readonly port: number
  /** Share of the full intensity, from 0 to 1: tests attack with less. */
  readonly intensity: number
}

/** One way to try to stop the server. */
export interface Attack {
  readonly name: string
  /** What it does, in one sentence. */
  readonly about: string
  /** Whether the server speaks TLS. Default: false. */
  readonly isSecure?: boolean
  /** Time in which its connections come; what others notice then is measured apart from what they notice afterwards. Default: 0. */
  readonly arrivalMs?: number
  /** Attacks until the signal aborts. Errors of its connections are counted, never thrown. */
  run(target: Target, tally: Tally, signal: AbortSignal): Promise<void>
}

/** What the attacker's process reports at its end. */
export type AttackerReport = Pick<Tally, 'sent' | 'answers' | 'lost' | 'figures'>

/** What an attacker got for its requests. */
export class Tally {
  sent = 0
  /** Answers that were broken or wrong, where an attack is plain load. */
  lost = 0
  /** What an attack measured by itself. */
  readonly figures: Record<string, number> = {}
  /** By status of the answer, or by the way in which the connection failed. */
  readonly answers: Record<string, number> = {}

  count(answer: string | number): void {
    this.answers[answer] = (this.answers[answer] ?? 0) + 1
  }
}

/** Calls `act` at once and then so many times a second, also when the process is late, until the signal aborts. */
export async function pace(perSecond: number, signal: AbortSignal, act: (n: number) => void): Promise<void> {
  const startMs = performance.now()
  for (let n = 0; !signal.aborted;) {
    const due = 1 + Math.floor(((performance.now() - startMs) / 1_000) * perSecond)
    for (; n < due && !signal.aborted; n++) act(n)
    await sleep(5)
  }
}

/** Settles when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** A connection whose errors are counted. */
export function open(port: number, tally: Tally): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', (error: NodeJS.ErrnoException) => tally.count(error.code ?? 'error'))
  return socket
}

/** A request as it goes over the wire. */
export function requestText(
  method: string,
  path: string,
  body: string | null = null,
  type = 'application/json',
): string {
  const length = body === null ? '' : `Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
  return `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${length}\r\n${body ?? ''}`
}

/** Counts the status of the first answer of a connection; everything after it is read and dropped. */
export function countStatus(socket: Socket, tally: Tally): void {
  socket.once('data', (data) => {
    tally.count(data.toString('latin1', 9, 12))
    socket.resume()
  })
}

/** Sends one request after the other over so many connections, each as soon as the answer before is complete. */
export async function repeat(
  { port, intensity }: Target,
  tally: Tally,
  signal: AbortSignal,
  {
    connections,
    method = 'POST',
    path,
    body = null,
    type,
  }: {
    connections: number
    method?: string
    path: string
    /** A function makes another one for each call. */
    body?: string | null | (() => string)
    type?: string
  },
): Promise<void> {
  const count = Math.max(1, Math.round(connections * intensity))
  const headers: Record<string, string> = body === null ? {} : { 'Content-Type': type ?? 'application/json' }
  await Promise.all(
    Array.from({ length: count }, async () => {
      while (!signal.aborted) {
        tally.sent++
        try {
          const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
            method,
            headers,
            body: typeof body === 'function' ? body() : body,
            signal,
          })
          tally.count(answer.status)
          for await (const _ of answer.body ?? []);
          // A refused caller that calls again at once would measure the client.
          if (answer.status === 503 || answer.status === 429) await sleep(10)
        } catch (error) {
          if (!signal.aborted) tally.count(causeOf(error))
          await sleep(10)
        }
      }
    }),
  )
}

function causeOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string } }
  return cause?.code ?? 'error'
}
