import { openFullSource } from './full-source.ts'
import {
  type Item,
  type OpenSource,
  type Source,
  type SourceEnd,
  type SourceSink,
  type SourceStatus,
  statusOf,
} from './source.ts'

/** Items that a reader gets which joins a reading late: enough for a chart of an hour. */
const REPLAY_ITEMS_MAX = 400

/** A dashboard stays open for days: when the SDK has given a connection up, it is tried again after this, or when the network is back. */
const AGAIN_MS = 15_000

/** One reading for many elements. */
interface Reading {
  readonly sinks: Set<SourceSink>
  readonly replay: Item[]
  status: SourceStatus
  end: SourceEnd | null
  open: OpenSource
  /** Takes back what was to be tried again. */
  stopWaiting: () => void
}

/** By token first: what one caller may read is not another's. */
const readings = new Map<Source['token'], Map<string, Reading>>()

/**
 * Reads a source together with all elements of the page that read the same: browsers allow six HTTP/1.1 connections to a host, and a dashboard has more widgets. The
 * reading ends when its last reader leaves.
 */
export function subscribeShared(source: Source, sink: SourceSink): OpenSource {
  if (source.method !== 'GET') return openFullSource(source, sink)
  const ofToken = readings.get(source.token) ?? new Map<string, Reading>()
  readings.set(source.token, ofToken)
  const { token: _token, ...rest } = source
  const key = JSON.stringify(rest)
  const kept = ofToken.get(key)
  // A finished source is opened again.
  const reading = kept === undefined || kept.end !== null ? begin(source) : kept
  ofToken.set(key, reading)
  reading.sinks.add(sink)
  // Later, so that the caller has what this returns.
  queueMicrotask(() => {
    if (!reading.sinks.has(sink)) return
    sink.status(reading.status)
    for (const item of reading.replay) sink.item(item)
    if (reading.end !== null) sink.end(reading.end)
    joined.add(sink)
  })
  const leave = (): void => {
    reading.sinks.delete(sink)
    joined.delete(sink)
    if (reading.sinks.size > 0) return
    if (ofToken.get(key) === reading) ofToken.delete(key)
    if (ofToken.size === 0) readings.delete(source.token)
    reading.stopWaiting()
    reading.open.leave()
  }
  return {
    get progress() {
      return reading.open.progress
    },
    get url() {
      return reading.open.url
    },
    get offset() {
      return reading.open.offset
    },
    // Others read on; for this one it is over.
    cancel: () => {
      if (!reading.sinks.has(sink) || reading.end !== null) return
      leave()
      sink.end({ outcome: 'cancelled', error: null })
    },
    leave,
  }
}

/** Sinks that had what came before them; others get it with the replay. */
const joined = new WeakSet<SourceSink>()

function begin(source: Source): Reading {
  const reading: Reading = {
    sinks: new Set(),
    replay: [],
    status: statusOf('connecting'),
    end: null,
    open: null as unknown as OpenSource,
    stopWaiting: () => undefined,
  }
  const all = (tell: (sink: SourceSink) => void): void => {
    for (const sink of reading.sinks) if (joined.has(sink)) tell(sink)
  }
  const sink: SourceSink = {
    item(item) {
      if (reading.replay.length >= REPLAY_ITEMS_MAX) reading.replay.shift()
      reading.replay.push(item)
      all((one) => one.item(item))
    },
    status(status) {
      reading.status = status
      // Whether a failure is the end is decided there.
      if (status.state !== 'failed') all((one) => one.status(status))
    },
    end(end) {
      const isExpired = end.error?.code === 'offset_expired' && openedAfter !== source.after
      if (isExpired) return again(source.after, 0)
      if (isLost(end)) return again(reading.open.offset === 0 ? source.after : reading.open.offset, AGAIN_MS)
      reading.end = end
      all((one) => {
        if (reading.status.state === 'failed') one.status(reading.status)
        one.end(end)
      })
    },
  }
  // A server that was restarted says that what was to follow is gone; then all begins anew, once.
  let openedAfter = source.after
  const again = (after: Source['after'], waitMs: number): void => {
    const { message } = reading.status
    sink.status(statusOf('reconnecting', { waitMs, message, recoverable: true }))
    const open = (): void => {
      reading.stopWaiting()
      openedAfter = after
      reading.open = openFullSource({ ...source, after }, sink)
    }
    const timer = setTimeout(open, waitMs)
    addEventListener('online', open)
    reading.stopWaiting = () => {
      clearTimeout(timer)
      removeEventListener('online', open)
    }
  }
  reading.open = openFullSource(source, sink)
  return reading
}

/** Whether a connection was lost; a run that failed would fail again, and a refusal be one again. */
function isLost({ outcome, error }: SourceEnd): boolean {
  return outcome === null && error !== null && error.recoverable
}
