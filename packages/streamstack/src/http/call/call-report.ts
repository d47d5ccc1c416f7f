import type { IncomingMessage, ServerResponse } from 'node:http'
import type { StreamstackError } from '@streamstack/protocol'
import { type Caller, admitsOrigin } from '../../access/index.ts'
import type { AuditedCall } from '../../audit/index.ts'
import type { Engine } from '../../engine/index.ts'
import { type OpenEntry, OpenList } from '../../stream/index.ts'
import { onAnswerOver } from '../answer/answer-over.ts'
import { auditedCall, auditedSocket, auditedUnread } from './audited-call.ts'
import { type CallNote, type CallReport, openNote } from './call-note.ts'
import { countSentBytes } from '../sent-bytes.ts'

/** Longer paths are cut. */
const PATH_LENGTH_MAX = 500

const SUBJECT_LENGTH_MAX = 200

/** Stands for what is not known of a request. */
const UNREAD = '-'

/** How long a call goes on before the audit says that it does. */
const LONG_CALL_MS = 10_000

/** A call that goes on. */
interface OpenCall {
  readonly startedAtMs: number
  /** Null: the audit records none of its kind. */
  readonly describe: () => AuditedCall | null
  /** Among those that are open. */
  place?: OpenEntry<OpenCall>
}

/** Reports calls when their answers are over: to the access log and to the audit. */
export class CallReports {
  readonly #engine: Engine
  readonly #onCall: ((call: CallReport) => void) | null
  /** Those that the audit has not told of, the oldest first. */
  readonly #open = new OpenList<OpenCall>()
  readonly #timer: NodeJS.Timeout
  readonly #longMs: number

  constructor(engine: Engine, onCall?: (call: CallReport) => void, longMs = LONG_CALL_MS) {
    this.#engine = engine
    this.#onCall = onCall ?? null
    this.#timer = setInterval(() => this.#tellOpen(), longMs / 2).unref()
    this.#longMs = longMs
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Follows a call. Without a log and an audit it does nothing. */
  follow(request: IncomingMessage, response: ServerResponse): void {
    const engine = this.#engine
    if (this.#onCall === null && !engine.audit.isOn) return
    const startedAtMs = performance.now()
    const note = openNote(response)
    // The address is gone with the connection.
    const described = describeRequest(engine, request)
    const sentBytes = countSentBytes(request, response)
    const report = (): CallReport => {
      const record = note.reading?.record ?? null
      return {
        ...described,
        status: response.headersSent ? response.statusCode : null,
        endpoint: note.endpoint,
        caller: note.caller?.subject?.slice(0, SUBJECT_LENGTH_MAX).toWellFormed() ?? null,
        run: note.reading?.source.run ?? null,
        outcome: outcomeOf(note, response),
        error: note.error,
        firstChunkMs: record === null || record.firstChunkAtMs === null ? null : record.firstChunkAtMs - startedAtMs,
        durationMs: performance.now() - startedAtMs,
        chunks: record?.chunks ?? null,
        bytes: sentBytes(),
      }
    }
    const over = this.#opened({ startedAtMs, describe: () => auditedCall(note, report()) })
    onAnswerOver(response, () => {
      over()
      const told = report()
      this.#onCall?.(told)
      const audited = auditedCall(note, told)
      if (audited !== null) engine.audit.called(audited)
    })
  }

  /** Reports what was refused before it was a request. `status`: what was answered; null: the connection was closed without an answer. */
  unread(address: string | null, error: StreamstackError, status: number | null): void {
    const report: CallReport = {
      method: UNREAD,
      path: UNREAD,
      address: this.#engine.gate.placeOf({ headers: {}, socket: { remoteAddress: address ?? undefined } }).address,
      refusedOrigin: null,
      status,
      endpoint: null,
      caller: null,
      run: null,
      outcome: null,
      error,
      firstChunkMs: null,
      durationMs: 0,
      chunks: null,
      bytes: 0,
    }
    this.#onCall?.(report)
    if (this.#engine.audit.isOn) this.#engine.audit.called(auditedUnread(error, report))
  }

  /** Follows a WebSocket from its handshake; call the result when its connection is gone. `caller`: of the connection, as it is then. */
  followSocket(request: IncomingMessage, caller: () => Caller): () => void {
    const startedAtMs = performance.now()
    const described = describeRequest(this.#engine, request)
    const { socket } = request
    const before = socket.bytesWritten
    const report = (): CallReport => ({
      ...described,
      status: 101,
      endpoint: null,
      caller: caller().subject,
      run: null,
      outcome: null,
      error: null,
      firstChunkMs: null,
      durationMs: performance.now() - startedAtMs,
      chunks: null,
      bytes: socket.bytesWritten - before,
    })
    const describe = (): AuditedCall => auditedSocket(caller(), report())
    const over = this.#opened({ startedAtMs, describe })
    return () => {
      over()
      this.#onCall?.(report())
      this.#engine.audit.called(describe())
    }
  }

  #opened(call: OpenCall): () => void {
    if (!this.#engine.audit.isOn) return ignore
    call.place = this.#open.add(call)
    return () => call.place?.remove()
  }

  /** A call that a crash ends has no entry of its own: so one that takes long has one while it goes on. */
  #tellOpen(): void {
    const untilMs = performance.now() - this.#longMs
    for (const call of this.#open.members()) {
      if (call.startedAtMs > untilMs) return
      call.place?.remove()
      const audited = call.describe()
      if (audited !== null) this.#engine.audit.opened(audited)
    }
  }
}

function ignore(): void {}

function describeRequest(
  engine: Engine,
  request: IncomingMessage,
): Pick<CallReport, 'method' | 'path' | 'address' | 'refusedOrigin'> {
  const { method = 'GET', url = '/', headers } = request
  const place = engine.gate.placeOf(request)
  const isAdmitted = admitsOrigin(engine.settings.server.cors, place)
  return {
    method,
    path: printable(url.split('?', 1)[0] ?? ''),
    address: place.address,
    refusedOrigin: isAdmitted ? null : printable(headers.origin ?? ''),
  }
}

function outcomeOf({ reading, error }: CallNote, response: ServerResponse): CallReport['outcome'] {
  if (reading === null) return null
  const { end } = reading.source.stream
  // An answer that was broken off on purpose, after a failure, is not finished either.
  if (end !== null && (response.writableEnded || error !== null)) return end.outcome
  return end !== null && end.outcome !== 'completed' ? end.outcome : 'disconnected'
}

/** A terminal must not act on what a caller sends, and no log keeps an API key or a ticket that came where none belongs. */
function printable(text: string): string {
  const shown = text
    .replaceAll(/(ss[kt]_)[\w-]{8,}/g, '$1***')
    .slice(0, PATH_LENGTH_MAX)
    .replaceAll(/[^\x21-\x7e]/g, (character) => encodeURIComponent(character.toWellFormed()))
  return text.length > PATH_LENGTH_MAX ? `${shown}…` : shown
}
