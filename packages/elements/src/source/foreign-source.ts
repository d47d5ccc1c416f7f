import { type SseEvent, sseEvents } from '@streamstack/protocol'
import { breakStatus, splitUrl } from './own-source.ts'
import { dialects } from './dialects.ts'
import { Meter } from './meter.ts'
import { type OpenSource, type Source, type SourceEnd, type SourceSink, statusAtEnd, statusOf } from './source.ts'
import { cut } from '../base/cut.ts'

/** The first wait is at most this; it doubles with each attempt. As the SDK does. */
const RETRY_MS = 1_000
const RETRY_MS_MAX = 30_000
const ATTEMPTS_MAX = 5
/** A line of more characters than this ends the stream: a server that never ends one must not fill the page's memory. */
const LINE_CHARACTERS_MAX = 4 * 1024 * 1024

/** An error with a code, as it appears in a stream. */
class Fault extends Error {
  readonly code: string
  readonly recoverable: boolean
  constructor(code: string, message: string, recoverable: boolean) {
    super(message)
    this.code = code
    this.recoverable = recoverable
  }
}

/**
 * Reads server-sent events of any server. A GET reconnects with `Last-Event-ID`, as an EventSource does; without an id it reconnects only where the source follows what
 * is new, since an answer would come again from its start. A POST is sent again only while no answer came: it might run twice. A dialect that has a mark for the end is
 * complete only with that mark.
 */
export function openForeignSource(source: Source, sink: SourceSink): OpenSource {
  const stop = new AbortController()
  const meter = new Meter()
  const dialect = dialects[source.format as keyof typeof dialects]()
  const isIdempotent = source.method.toUpperCase() === 'GET'
  let lastEventId = ''
  /** The first event of all. A connection that begins with it again is one to a server that does not resume. */
  let firstEvent: string | null = null
  let isFirst = true
  let isRepeated = false
  let isClosed = false
  let serverRetryMs: number | null = null
  let isLeft = false
  let isEnded = false
  let attempts = 0

  const finish = (end: SourceEnd): void => {
    if (isLeft || isEnded) return
    isEnded = true
    sink.status(statusAtEnd(end))
    sink.end(end)
  }

  const canGoOn = (): boolean => isIdempotent && (source.follows || lastEventId !== '' || meter.chunks === 0)

  const take = (event: SseEvent): null => {
    if (isFirst && event.data !== null) {
      isFirst = false
      const text = `${event.id} ${event.data}`
      isRepeated = !source.follows && text === firstEvent
      firstEvent ??= text
    }
    if (isRepeated) return null
    lastEventId = event.id ?? lastEventId
    serverRetryMs = event.retryMs ?? serverRetryMs
    // Data after the end marker is not part of the answer.
    if (event.data === null || dialect.end !== null) return null
    for (const item of dialect.read(event)) {
      meter.countChunk(item.metadata)
      attempts = 0
      if (!isLeft) sink.item(item)
    }
    return null
  }

  const connect = async (): Promise<'ended' | 'broken'> => {
    const response = await fetch(...(await request(source, lastEventId, stop.signal)))
    // 204 tells an EventSource to stop.
    if (response.status === 204) return 'ended'
    if (!response.ok) throw await refusal(response)
    const medium = response.headers.get('Content-Type') ?? 'no media type'
    if (!medium.startsWith('text/event-stream'))
      throw new Fault('answer_unknown', `The server answered with ${medium}, not text/event-stream.`, false)
    if (!isLeft) sink.status(statusOf('streaming'))
    const push = sseEvents<never>(take, null)
    isFirst = true
    let unread = 0
    const reader = response.body?.getReader()
    const utf8 = new TextDecoder()
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      meter.bytes += read.value.byteLength
      const text = utf8.decode(read.value, { stream: true })
      push(text)
      unread = /\n|\r/.test(text) ? text.length : unread + text.length
      if (unread > LINE_CHARACTERS_MAX)
        throw new Fault(
          'answer_unknown',
          `A line of the answer is longer than ${LINE_CHARACTERS_MAX} characters.`,
          false,
        )
      if (isRepeated && !isClosed)
        throw new Fault('connection_lost', 'The connection was lost, and the server cannot resume the answer.', false)
      if (dialect.end !== null || isRepeated) {
        void reader?.cancel().catch(() => undefined)
        return 'ended'
      }
    }
    isClosed = true
    return dialect.needsMark || canGoOn() ? 'broken' : 'ended'
  }

  const run = async (): Promise<void> => {
    sink.status(statusOf('connecting'))
    for (;;) {
      let fault = new Fault('connection_lost', 'The connection ended before the answer was complete.', true)
      try {
        if ((await connect()) === 'ended') return finish(dialect.end ?? { outcome: 'completed', error: null })
      } catch (thrown) {
        if (stop.signal.aborted) return finish({ outcome: 'cancelled', error: null })
        isClosed = false
        fault = thrown instanceof Fault ? thrown : new Fault('connection_lost', connectionText(thrown), true)
      }
      const mayRepeat = isIdempotent ? canGoOn() && (!dialect.needsMark || meter.chunks === 0) : meter.bytes === 0
      if (!fault.recoverable || !mayRepeat || (navigator.onLine && ++attempts > ATTEMPTS_MAX))
        return finish({ outcome: 'failed', error: fault })
      const waitMs = serverRetryMs ?? Math.random() * Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** (attempts - 1))
      if (!isLeft) sink.status(breakStatus(waitMs, fault.message))
      await rest(navigator.onLine ? waitMs : RETRY_MS_MAX, stop.signal)
      if (stop.signal.aborted) return finish({ outcome: 'cancelled', error: null })
    }
  }

  queueMicrotask(() => void run())
  return {
    get progress() {
      return meter.now()
    },
    url: null,
    offset: 0,
    cancel: () => stop.abort(),
    leave() {
      isLeft = true
      stop.abort()
    },
  }
}

async function request(source: Source, lastEventId: string, signal: AbortSignal): Promise<[string, RequestInit]> {
  const { method, body, token } = source
  const { server, path } = splitUrl(source.server, source.src || source.stream)
  const headers: Record<string, string> = { ...source.headers, Accept: 'text/event-stream' }
  const secret = typeof token === 'function' ? await token() : token
  if (secret !== null) headers['Authorization'] = `Bearer ${secret}`
  if (lastEventId !== '') headers['Last-Event-ID'] = lastEventId
  if (method.toUpperCase() === 'GET') return [server + path, { headers, signal, cache: 'no-store' }]
  headers['Content-Type'] = 'application/json'
  return [server + path, { method, headers, signal, body: JSON.stringify(body ?? {}) }]
}

/** Longer texts than this are no message for a person. */
const MESSAGE_CHARACTERS_MAX = 300

async function refusal(response: Response): Promise<Fault> {
  const { status } = response
  const text = (await response.text().catch(() => '')).slice(0, 64 * 1024)
  return new Fault(
    `http_${status}`,
    messageIn(text) ?? `The server answered ${status}.`,
    status >= 500 || status === 429,
  )
}

/** `{"error": {"message"}}` of OpenAI and its kin, `{"error"}` or `{"detail"}` of others. */
function messageIn(text: string): string | null {
  try {
    const body = JSON.parse(text) as { error?: { message?: unknown } | string; detail?: unknown; message?: unknown }
    const error = body.error instanceof Object ? body.error.message : body.error
    const found = [error, body.detail, body.message].find((value) => typeof value === 'string' && value !== '')
    return typeof found === 'string' ? cut(found, MESSAGE_CHARACTERS_MAX) : null
  } catch {
    return null
  }
}

function connectionText(thrown: unknown): string {
  return `The connection was lost: ${thrown instanceof Error ? thrown.message : String(thrown)}`
}

/** Waits; less when the signal fires or the browser finds its network again. */
function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(wake, ms)
    function wake(): void {
      clearTimeout(timer)
      removeEventListener('online', wake)
      resolve()
    }
    addEventListener('online', wake)
    signal.addEventListener('abort', wake, { once: true })
  })
}
