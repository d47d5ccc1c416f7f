import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Value } from '@streamstack/protocol'
import { ANONYMOUS, type CallPlace, type Caller, type PresentedTicket } from '../access/index.ts'
import type { Engine } from '../engine/index.ts'
import type { Heartbeat } from './reader/heartbeat.ts'

/** A handshake that asks to go on in another protocol, on the connection that it came by. */
export interface Upgrade {
  readonly socket: Duplex
  /** What came behind the head of the request. */
  readonly head: Buffer
}

const NO_PARAMETERS: Readonly<Record<string, string>> = Object.freeze({})
const NO_INPUTS: Readonly<Record<string, Value>> = Object.freeze({})
const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({})

/** For answers to URLs with a credential (RFC 6750 §2.3). */
export const SECRET_URL_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'Cache-Control': 'private, no-store',
  'Referrer-Policy': 'no-referrer',
})

/** What exchanges take from their server. */
interface Shared {
  readonly engine: Engine
  readonly heartbeat: Heartbeat
}

/** One request and its answer on their way through the front door: each step fills in what it finds out. */
export class Exchange {
  readonly engine: Engine
  readonly heartbeat: Heartbeat
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Null: a plain request. */
  readonly upgrade: Upgrade | null
  readonly method: string
  /** As it was sent, without the query. */
  readonly path: string
  /** With its question mark; empty without a query. */
  readonly search: string
  readonly place: CallPlace
  /** For every answer to this request: CORS, and what the server adds to all. */
  corsHeaders: Readonly<Record<string, string>> = NO_HEADERS
  /** What the path has in the places of the route's parameters, decoded. */
  parameters: Readonly<Record<string, string>> = NO_PARAMETERS
  /** The route's declared inputs, checked. */
  inputs: Readonly<Record<string, Value>> = NO_INPUTS
  caller: Caller = ANONYMOUS
  #query: URLSearchParams | null = null

  constructor(
    { engine, heartbeat }: Shared,
    request: IncomingMessage,
    response: ServerResponse,
    upgrade: Upgrade | null,
  ) {
    const { method = 'GET' } = request
    const url = targetOf(request)
    const mark = url.indexOf('?')
    this.engine = engine
    this.heartbeat = heartbeat
    this.request = request
    this.response = response
    this.upgrade = upgrade
    this.method = method
    this.path = mark === -1 ? url : url.slice(0, mark)
    this.search = mark === -1 ? '' : url.slice(mark)
    this.place = engine.gate.placeOf(request)
  }

  /** Takes `?ticket=` out of the query, so that no input, answer or log has it. Null: there is none, or the request is no plain GET. */
  takeTicket(): PresentedTicket | null {
    if (this.method !== 'GET' || !this.search.includes('ticket=')) return null
    const text = this.query.get('ticket')
    if (text === null) return null
    this.query.delete('ticket')
    // The answer is for this caller alone, and pages that it leads to must not learn the URL.
    this.corsHeaders = { ...this.corsHeaders, ...SECRET_URL_HEADERS }
    return { text, path: this.path }
  }

  get query(): URLSearchParams {
    return (this.#query ??= new URLSearchParams(this.search))
  }
}

/** A proxy may send the whole URL (RFC 9112 §3.2.2). */
function targetOf({ url = '/' }: IncomingMessage): string {
  if (url.startsWith('/')) return url
  const rest = url.replace(/^https?:\/\/[^/?#]*/i, '')
  return rest.startsWith('?') || rest === '' ? `/${rest}` : rest
}
