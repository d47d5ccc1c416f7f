/** An event as it was sent. */
export interface SseEvent {
  /** '' where the event has no name. */
  readonly event: string
  /** The data lines, joined by LF; null: the event has none. */
  readonly data: string | null
  /** Null: the event has none of its own. */
  readonly id: string | null
  /** Milliseconds to wait before the client reconnects, where the event says so; no more than a timer counts. */
  readonly retryMs: number | null
}

/** Timers count no further, 24.8 days: a longer one fires at once, and its client would reconnect without a pause. */
const RETRY_MS_MAX = 2_147_483_647

/** A field and its value, without the one space that may stand before it; no field is a comment. */
const LINE = /^([^:]*):? ?([^]*)$/

/**
 * Splits server-sent events (WHATWG HTML, "Server-sent events") that arrive in pieces of text. Returns what takes a piece and returns what `read` made of the events in
 * it; null is left out. `comment`: what stands for each comment line.
 */
export function sseEvents<Read>(
  read: (event: SseEvent) => Read | null,
  comment: Read | null,
): (text: string) => Read[] {
  // A line that is not ended yet, as pieces: appending to one growing string costs O(n²) when a long line trickles in.
  let pieces: string[] = []
  // The LF of a CRLF that was cut between two pieces ends no second line.
  let skipsLineFeed = false
  let atStart = true
  let event = ''
  let data: string[] = []
  let id: string | null = null
  let retryMs: number | null = null

  const readLine = (text: string): Read | null => {
    if (text === '') {
      const whole = { event, data: data.length > 0 ? data.join('\n') : null, id, retryMs }
      event = ''
      data = []
      id = retryMs = null
      return read(whole)
    }
    const [, field = '', value = ''] = LINE.exec(text) ?? []
    if (field === '') return comment
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
    else if (field === 'retry' && /^\d+$/.test(value)) retryMs = Math.min(Number(value), RETRY_MS_MAX)
    return null
  }

  return (text) => {
    const found: Read[] = []
    if (text === '') return found
    let start = 0
    if (atStart && text.startsWith('\uFEFF')) start = 1
    atStart = false
    if (skipsLineFeed && text.startsWith('\n')) start = 1
    skipsLineFeed = false
    for (let i = start; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code !== 10 && code !== 13) continue
      const rest = text.slice(start, i)
      const made = readLine(pieces.length === 0 ? rest : pieces.join('') + rest)
      pieces = []
      if (made !== null) found.push(made)
      if (code === 13) {
        if (i + 1 === text.length) skipsLineFeed = true
        else if (text.charCodeAt(i + 1) === 10) i++
      }
      start = i + 1
    }
    if (start < text.length) pieces.push(text.slice(start))
    return found
  }
}
