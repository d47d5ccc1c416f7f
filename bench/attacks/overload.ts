import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { quantile } from '../harness/statistics.ts'
import { type Attack, type Tally, type Target, pace } from './attack.ts'

/** Of `/steady`: 20 chunks in half a second. */
const STREAM_TEXT = Array.from({ length: 20 }, (_, n) => `${n}\n`).join('')

/** A second; with streams of half a second, twice as many as `limits.open_streams.total` (200) lets in. */
const CALLS_PER_SECOND = 800
const UNLOADED_PER_SECOND = 40
const UNLOADED_MS = 3_000

/** Milliseconds of streams that were admitted and read to their end. */
interface Times {
  readonly first: number[]
  readonly whole: number[]
}

/** Calls as often as that, whether or not earlier calls are answered, until the signal aborts; then waits for all answers. */
async function load(port: number, perSecond: number, tally: Tally, signal: AbortSignal): Promise<Times> {
  const agent = new Agent({ keepAlive: true })
  const times: Times = { first: [], whole: [] }
  const calls: Promise<void>[] = []
  await pace(perSecond, signal, () => {
    tally.sent++
    calls.push(call(port, agent, tally, times))
  })
  await Promise.all(calls)
  agent.destroy()
  return times
}

function call(port: number, agent: Agent, tally: Tally, times: Times): Promise<void> {
  const calledMs = performance.now()
  return new Promise((resolve) => {
    let status = 0
    let text = ''
    const lose = (): void => {
      tally.lost++
      resolve()
    }
    const outgoing = request({ host: '127.0.0.1', port, path: '/steady', agent }, (answer) => {
      status = answer.statusCode ?? 0
      tally.count(status)
      answer.setEncoding('utf8')
      let firstMs = 0
      answer.on('data', (data: string) => {
        if (text === '') firstMs = performance.now() - calledMs
        text += data
      })
      answer.on('error', lose)
      answer.on('end', () => {
        if (status === 429 || status === 503) return resolve()
        if (status !== 200 || text !== STREAM_TEXT) return lose()
        times.first.push(firstMs)
        times.whole.push(performance.now() - calledMs)
        resolve()
      })
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      tally.count(error.code ?? 'error')
      lose()
    })
    outgoing.end()
  })
}

const overload: Attack = {
  name: 'overload',
  about: `${CALLS_PER_SECOND} calls a second of a stream of half a second: twice as many as \`limits.open_streams.total\` (200) admits.`,
  async run({ port, intensity }: Target, tally, signal) {
    const unloaded = await load(
      port,
      UNLOADED_PER_SECOND * intensity,
      tally,
      AbortSignal.any([signal, AbortSignal.timeout(UNLOADED_MS * intensity)]),
    )
    // Its streams have ended.
    await sleep(0)
    const admitted = await load(port, CALLS_PER_SECOND * intensity, tally, signal)
    for (const [name, times] of Object.entries({ unloaded, admitted })) {
      tally.figures[`${name} p99, first chunk (ms)`] = quantile(times.first, 0.99)
      tally.figures[`${name} p99, whole stream (ms)`] = quantile(times.whole, 0.99)
    }
  },
}

/** Plain load beyond what the limits admit. */
export const overloads: readonly Attack[] = [overload]
