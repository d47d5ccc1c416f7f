import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { type Call, type Exchange, type Head, plainHeaders } from './exchange.ts'

/** Where calls go, and whether certificates count. */
export interface Target {
  readonly base: URL
  /** Whether a certificate that cannot be trusted is taken. */
  readonly insecure: boolean
}

/** Asks over HTTP/1.1, each call on a connection of its own. */
export function callHttp1(target: Target, call: Call): Promise<Exchange> {
  return new Promise((resolve) => {
    const startedMs = performance.now()
    const request = startRequest(target, call, {})
    let head: Head | null = null
    let error: NodeJS.ErrnoException | null = null
    let ending: Exchange['ending'] | null = null
    const stop = (why: 'left' | 'late'): void => {
      ending ??= why
      request.destroy()
    }
    const timer = setTimeout(() => stop('late'), call.timeoutMs)
    const leave = (): void => stop('left')
    call.signal?.addEventListener('abort', leave, { once: true })
    if (call.signal?.aborted === true) leave()

    const finish = (): void => {
      clearTimeout(timer)
      call.signal?.removeEventListener('abort', leave)
      resolve({ head, ending: ending ?? 'broken', error, durationMs: performance.now() - startedMs })
    }
    request.on('error', (thrown: NodeJS.ErrnoException) => {
      error ??= thrown
    })
    request.on('close', finish)
    request.on('response', (response) => {
      head = { status: response.statusCode ?? 0, headers: plainHeaders(response.headers) }
      call.onHead?.(head)
      response.on('data', (bytes: Buffer) => call.onBytes?.(bytes))
      response.on('error', (thrown: NodeJS.ErrnoException) => {
        error ??= thrown
      })
      response.on('close', () => {
        if (response.complete) ending ??= 'clean'
      })
    })
    // A 101 without a request for an upgrade is an answer as well.
    request.on('upgrade', (response, socket) => {
      head = { status: response.statusCode ?? 0, headers: plainHeaders(response.headers) }
      ending ??= 'clean'
      socket.destroy()
    })
    request.end()
  })
}

/** What came back for a request to speak another protocol: 101, or the answer instead of it. */
export interface Handshake {
  readonly head: Head | null
  readonly error: NodeJS.ErrnoException | null
}

/** Asks for an upgrade and closes again. Upgrades exist in HTTP/1.1 alone. */
export function handshake(target: Target, call: Call): Promise<Handshake> {
  return new Promise((resolve) => {
    const request = startRequest(target, call, { Connection: 'Upgrade' })
    const timer = setTimeout(() => request.destroy(timedOut()), call.timeoutMs)
    const finish = (head: Head | null, error: NodeJS.ErrnoException | null): void => {
      clearTimeout(timer)
      resolve({ head, error })
      request.destroy()
    }
    const answered = (response: IncomingMessage): void => {
      finish({ status: response.statusCode ?? 0, headers: plainHeaders(response.headers) }, null)
    }
    request.on('response', answered)
    request.on('upgrade', answered)
    request.on('error', (error: NodeJS.ErrnoException) => finish(null, error))
    request.on('close', () => finish(null, null))
    request.end()
  })
}

function startRequest({ base, insecure }: Target, call: Call, headers: Record<string, string>): ClientRequest {
  const isSecure = base.protocol === 'https:'
  return (isSecure ? secureRequest : plainRequest)(base, {
    method: call.method ?? 'GET',
    path: pathBelow(base, call.path),
    agent: false,
    headers: { Connection: 'keep-alive', ...call.headers, ...headers },
    ...(isSecure ? { rejectUnauthorized: !insecure, ALPNProtocols: ['http/1.1'] } : {}),
  })
}

/** A path of the server as it is reached through the examined address, which may have a path itself. */
export function pathBelow(base: URL, path: string): string {
  return base.pathname.replace(/\/$/, '') + path
}

function timedOut(): NodeJS.ErrnoException {
  return Object.assign(new Error('No answer came in time.'), { code: 'ETIMEDOUT' })
}
