import { type IncomingMessage, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeenEnd, WatchedRun } from './watched-run.ts'

/** Pause before the next try. */
const RETRY_MS = 25

/** After so long without an end a reader hangs. */
const HANG_MS = 90_000

export interface RawReadOptions {
  base: string
  run: WatchedRun
  /** Offset after which to begin. */
  after: number
  /** From 0 to 1, for leaving now and then. */
  random: () => number
  mayBe: () => readonly string[]
}

/** Reads a run as events by plain HTTP, coming back with Last-Event-ID however often the connection breaks. Gives how often that was. */
export async function rawRead({ base, run, after, random, mayBe }: RawReadOptions): Promise<number> {
  const untilMs = performance.now() + HANG_MS
  let position = after
  for (let tries = 0; ; tries++) {
    if (performance.now() > untilMs) {
      run.failed(`a reader hangs at ${position}`)
      return tries
    }
    const end = await readOnce(`${base}${run.url ?? ''}?format=sse&include_metadata=true`, position, (chunk) => {
      position = run.saw(position, chunk)
      // Phones change networks.
      return random() > 0.002
    }).catch((error: unknown) => error as Error)
    if (end instanceof Refused) {
      run.failed(`refused with ${end.message}`)
      return tries
    }
    if (end !== null && !(end instanceof Error)) {
      run.ended(position, end, mayBe())
      return tries
    }
    await sleep(RETRY_MS)
  }
}

/** An answer that trying again will not change. */
class Refused extends Error {}

/** One connection: its end of the stream, or null when it broke off before. */
async function readOnce(
  url: string,
  after: number,
  onChunk: (chunk: { offset: number; content: unknown; metadata: unknown }) => boolean,
): Promise<SeenEnd | null> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = after === 0 ? {} : { 'Last-Event-ID': String(after) }
    get(url, { headers, agent: false }, resolve).on('error', reject)
  })
  response.setEncoding('utf8')
  let rest = ''
  try {
    for await (const text of response as AsyncIterable<string>) {
      const events = (rest + text).split('\n\n')
      rest = events.pop() ?? ''
      if (response.statusCode !== 200) continue
      for (const event of events) {
        const fields = new Map(event.split('\n').map((line) => splitField(line)))
        const data = fields.get('data')
        if (data === undefined) continue
        if (fields.get('event') === 'end') return JSON.parse(data) as SeenEnd
        if (fields.get('event') === 'error') throw new Refused(data)
        if (
          !onChunk({
            offset: Number(fields.get('id')),
            ...(JSON.parse(data) as { content: unknown; metadata: unknown }),
          })
        ) {
          return null
        }
      }
    }
  } finally {
    response.destroy()
  }
  // A server that stops says 503.
  if (response.statusCode !== 200 && response.statusCode !== 503) throw new Refused(`${response.statusCode} ${rest}`)
  return null
}

function splitField(line: string): [string, string] {
  const colon = line.indexOf(': ')
  return colon === -1 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 2)]
}
