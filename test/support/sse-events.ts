/** One event of an answer in `text/event-stream`. */
export interface SseEvent {
  /** Of this event or, as browsers keep it, of the last one that had one; empty: none yet. */
  readonly id: string
  /** Empty: a message. */
  readonly event: string
  readonly data: string
}

/** The whole events of an answer as a browser reads them (WHATWG HTML, "Server-sent events"): one that was cut off is none. */
export function sseEvents(text: string): SseEvent[] {
  const events: SseEvent[] = []
  let id = ''
  let event = ''
  let data: string[] = []
  for (const line of text.split(/\r\n|\r|\n/).slice(0, -1)) {
    if (line === '') {
      if (data.length > 0) events.push({ id, event, data: data.join('\n') })
      event = ''
      data = []
      continue
    }
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id') id = value
  }
  return events
}
