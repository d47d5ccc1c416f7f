import { isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Call, Exchange } from './exchange.ts'
import { type Handshake, type Target, callHttp1, handshake } from './http1.ts'
import { Http2Connection } from './http2.ts'

const CONNECT_MS = 10_000

/** What the TLS handshake told. */
export interface TlsAgreement {
  /** `h2` or `http/1.1`. */
  readonly protocol: string
  readonly validUntil: Date | null
}

/** The way to the examined address, over the newest HTTP that it offers. */
export interface Connection {
  readonly base: URL
  readonly httpVersion: '1.1' | '2'
  /** Null: no TLS. */
  readonly tls: TlsAgreement | null
  call(call: Call): Promise<Exchange>
  handshake(call: Call): Promise<Handshake>
  close(): void
}

/** Rejects with the error of DNS, TCP or TLS. */
export async function openConnection(target: Target, signal: AbortSignal): Promise<Connection> {
  const { base } = target
  const tls = base.protocol === 'https:' ? await agree(target, signal) : null
  const http2 = tls?.protocol === 'h2' ? new Http2Connection(target) : null
  return {
    base,
    tls,
    httpVersion: http2 === null ? '1.1' : '2',
    call: (call) => (http2 === null ? callHttp1(target, call) : http2.call(call)),
    handshake: (call) => handshake(target, call),
    close: () => http2?.close(),
  }
}

/** A TLS handshake that offers what browsers offer. */
function agree({ base, insecure }: Target, signal: AbortSignal): Promise<TlsAgreement> {
  return new Promise((resolve, reject) => {
    const host = base.hostname.replaceAll(/[[\]]/g, '')
    const socket = connectTls({
      host,
      port: Number(base.port === '' ? 443 : base.port),
      ALPNProtocols: ['h2', 'http/1.1'],
      rejectUnauthorized: !insecure,
      // Names alone may be asked for (RFC 6066 §3).
      ...(isIP(host) === 0 ? { servername: host } : {}),
    })
    const timer = setTimeout(
      () => socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })),
      CONNECT_MS,
    )
    const stop = (): void => void socket.destroy(new Error('stopped'))
    signal.addEventListener('abort', stop, { once: true })
    socket.on('error', reject)
    socket.on('secureConnect', () => {
      const { valid_to: validTo } = socket.getPeerCertificate()
      resolve({
        protocol: socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1',
        validUntil: validTo === undefined ? null : new Date(validTo),
      })
      socket.destroy()
    })
    socket.on('close', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      reject(Object.assign(new Error('The connection was closed.'), { code: 'ECONNRESET' }))
    })
  })
}
