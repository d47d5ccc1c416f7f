import { type ClientMessage, type StreamstackError, toStreamstackError } from '@streamstack/protocol'
import type { Caller } from '../../access/index.ts'
import type { AuditedCall, AuditedInputs } from '../../audit/index.ts'
import type { Engine } from '../../engine/index.ts'
import { OpenMap, type StreamSource } from '../../stream/index.ts'
import { auditedError, auditedRun, auditedSocket } from '../call/audited-call.ts'
import { RunReading } from '../reader/run-reading.ts'
import type { BadMessage } from './client-message.ts'

/** What a message asks for under an id. */
export type AskedMessage = Exclude<ClientMessage, { type: 'auth' | 'ping' | 'leave' | 'cancel' }> | BadMessage

type Fields = Pick<AuditedCall, 'method' | 'route' | 'endpoint' | 'resource'>

interface Open {
  readonly caller: Caller
  readonly startedAtMs: number
  fields: Fields
  inputs: AuditedInputs | null
}

/** Records what is asked for over one WebSocket, by its ids, when that is over. */
export class AuditedMessages {
  readonly #engine: Engine
  readonly #open = new OpenMap<string, Open>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  asked(message: AskedMessage, caller: Caller): void {
    if (!this.#engine.audit.isOn) return
    const fields = fieldsOf(message)
    this.#open.set(message.id, { caller, startedAtMs: performance.now(), fields, inputs: null })
  }

  /** Says which endpoint a message calls. */
  calls(
    id: string,
    { name, path, method }: { readonly name: string; readonly path: string; readonly method: string },
  ): void {
    const open = this.#open.get(id)
    if (open !== undefined) open.fields = { method, route: path, endpoint: name, resource: null }
  }

  /** Says which inputs of a call are recorded. */
  takes(id: string, inputs: AuditedInputs | null): void {
    const open = this.#open.get(id)
    if (open !== undefined) open.inputs = inputs
  }

  /** Nothing more is sent under an id. `source`: what was read; null: something was published. */
  over(id: string, source: StreamSource | null): void {
    const open = this.#open.get(id)
    if (open === undefined) return
    const end = source?.stream.end ?? null
    this.#told(id, open, {
      run: source === null || source.run === null ? null : auditedRun(source.run, source instanceof RunReading),
      outcome: source === null ? null : (end?.outcome ?? 'disconnected'),
      status: 200,
      error: null,
    })
  }

  refused(id: string, thrown: unknown): void {
    const open = this.#open.get(id)
    if (open === undefined) return
    const error = toStreamstackError(thrown)
    const fields = { run: null, outcome: null, status: error.status, error: auditedError(error) }
    // A name that stands for nothing here may be anything.
    open.fields = { ...open.fields, resource: null }
    this.#told(id, open, fields)
  }

  #told(id: string, open: Open, end: Pick<AuditedCall, 'run' | 'outcome' | 'status' | 'error'>): void {
    this.#open.delete(id)
    const { caller, fields, inputs, startedAtMs } = open
    const durationMs = performance.now() - startedAtMs
    this.#engine.audit.called({ ...common(caller), ...fields, ...end, inputs, durationMs })
  }
}

/** Records that a WebSocket or its token was refused. */
export function auditRefusedSocket({ audit }: Engine, caller: Caller, error: StreamstackError): void {
  const { address } = caller.place
  audit.called(auditedSocket(caller, { address, status: error.status, bytes: null, durationMs: 0 }, error))
}

function common({ kind, subject, place }: Caller): Pick<AuditedCall, 'caller' | 'address' | 'transport' | 'bytes'> {
  return { caller: { kind, subject }, address: place.address, transport: 'websocket', bytes: null }
}

/** The route by which the same is asked for over HTTP. */
function fieldsOf(message: AskedMessage): Fields {
  switch (message.type) {
    case 'call':
      return { method: 'POST', route: null, endpoint: null, resource: null }
    case 'read':
      return { method: 'GET', endpoint: null, ...placeOf(message.stream) }
    case 'subscribe':
      return { method: 'GET', route: '/v1/channels/{name...}', endpoint: null, resource: message.channel }
    case 'presence':
      return { method: 'GET', route: '/v1/presence/{name...}', endpoint: null, resource: message.channel }
    case 'publish':
      return { method: 'POST', route: '/v1/channels/{name...}', endpoint: null, resource: message.channel }
    case 'bad':
      return { method: 'GET', route: '/v1/ws', endpoint: null, resource: null }
  }
}

function placeOf(path: string): Pick<AuditedCall, 'route' | 'resource'> {
  if (path.startsWith('/v1/stream/runs/')) return { route: '/v1/stream/runs/{id}', resource: null }
  if (path.startsWith('/v1/stream/system/')) return { route: path, resource: null }
  const [, prefix = '', name = ''] = /^(\/v1\/(?:channels|presence|stream)\/)(.+)$/.exec(path) ?? []
  return prefix === '' ? { route: null, resource: null } : { route: `${prefix}{name...}`, resource: name }
}
