/** The last words of a server that stops to a reader of events: no event, so that nobody takes it for the end (WHATWG HTML, "Server-sent events": `retry`). */
export function sseGoodbye(retryMs: number): string {
  return `retry: ${Math.round(retryMs)}\n: the server is stopping; come back with the last id\n\n`
}
