import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http'
import { StringDecoder } from 'node:string_decoder'

export interface CallOptions {
  /** Default: POST when there is a body, else GET. */
  method?: string
  headers?: Readonly<Record<string, string>>
  /** Text goes out as it is, anything else as JSON. */
  body?: unknown
}

/** How an answer ended: as HTTP promises, or with a connection that broke off. */
export type Ending = 'clean' | 'broken'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly ending: Ending
}

/** An answer that may still be arriving. */
export interface OpenCall {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** What arrived so far. */
  readonly text: string
  /** Settles when the text so far holds a piece; rejects when the answer ends without it. */
  until(piece: string): Promise<void>
  /** Settles when the answer has ended. */
  readonly ended: Promise<Answer>
  /** Reads no more until `resume`. */
  pause(): void
  resume(): void
  /** Hangs up. */
  leave(): void
}

export async function call(base: string, path: string, options: CallOptions = {}): Promise<Answer> {
  return (await openCall(base, path, options)).ended
}

export async function openCall(base: string, path: string, options: CallOptions = {}): Promise<OpenCall> {
  const request = send(base, path, options)
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
  })
  // A connection that breaks later shows at the answer.
  request.on('error', () => undefined)
  return follow(response)
}

function send(base: string, path: string, { method, headers = {}, body }: CallOptions): ClientRequest {
  const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const request = httpRequest(new URL(base), {
    // As it is: a URL would normalise odd paths away.
    path,
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    agent: false,
    headers: {
      ...(payload === undefined
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(payload)) }),
      ...headers,
    },
  })
  request.end(payload)
  return request
}

function follow(response: IncomingMessage): OpenCall {
  const decoder = new StringDecoder('utf8')
  const status = response.statusCode ?? 0
  const { headers } = response
  let text = ''
  let waiting: { piece: string; resolve: () => void; reject: (error: Error) => void }[] = []
  response.on('data', (data: Buffer) => {
    text += decoder.write(data)
    const [arrived, open] = partition(waiting, ({ piece }) => text.includes(piece))
    waiting = open
    for (const { resolve } of arrived) resolve()
  })
  const ended = new Promise<Answer>((resolve) => {
    response.on('error', () => undefined)
    response.once('close', () => {
      for (const { piece, reject } of waiting) reject(new Error(`ended without ${JSON.stringify(piece)}: ${text}`))
      waiting = []
      resolve({ status, headers, text, ending: response.complete ? 'clean' : 'broken' })
    })
  })
  return {
    status,
    headers,
    get text() {
      return text
    },
    until: (piece) =>
      new Promise((resolve, reject) => {
        if (text.includes(piece)) resolve()
        else if (response.closed) reject(new Error(`ended without ${JSON.stringify(piece)}: ${text}`))
        else waiting.push({ piece, resolve, reject })
      }),
    ended,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    leave: () => void response.destroy(),
  }
}

function partition<T>(list: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [list.filter(test), list.filter((one) => !test(one))]
}

/** One line of an NDJSON answer. */
export interface NdjsonLine {
  readonly kind?: unknown
  type: 'chunk' | 'error' | 'end'
  offset: number | null
  content?: unknown
  metadata?: Record<string, unknown> | null
  error?: { code: string; message: string; recoverable: boolean; retry_after: number | null } | null
  outcome?: string
}

/** The lines of an NDJSON answer, heartbeats left out. */
export function ndjsonLines(text: string): NdjsonLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as NdjsonLine)
}

/** The contents of the chunks of an NDJSON answer. */
export function contents(text: string): unknown[] {
  return ndjsonLines(text)
    .filter(({ type }) => type === 'chunk')
    .map(({ content }) => content)
}

/** The body of a problem answer. */
export function problem(answer: Answer): Record<string, unknown> {
  return JSON.parse(answer.text) as Record<string, unknown>
}
