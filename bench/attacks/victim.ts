import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { quantile } from '../harness/statistics.ts'
import { VICTIM_LINES } from './workspace.ts'

const CALL_EVERY_MS = 25
/** A call that is not answered within this time counts as lost. */
const TIMEOUT_MS = 20_000

/** What those who do not attack got. */
export interface VictimReport {
  /** Complete answers, from the time at which the call was due to the last byte. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly complete: number
  /** Answers with 429 or 503. */
  readonly refused: number
  /** Calls whose answer was broken, wrong or late, and gaps or repetitions in the stream. */
  readonly lost: number
}

export interface VictimOptions {
  readonly port: number
  readonly isSecure: boolean
  readonly durationMs: number
}

/** Calls a small endpoint 40 times a second over kept connections, whether or not the last call is answered, beside a reader of one long stream. */
export async function victim({ port, isSecure, durationMs }: VictimOptions): Promise<VictimReport> {
  const agent = isSecure
    ? new HttpsAgent({ keepAlive: true, rejectUnauthorized: false })
    : new HttpAgent({ keepAlive: true })
  const send = isSecure ? httpsRequest : httpRequest
  const get = (path: string): ClientRequest =>
    send({ host: '127.0.0.1', port, path, agent, headers: { Accept: 'text/plain' } })
  const times: number[] = []
  let refused = 0
  let lost = 0
  const call = async (dueMs: number): Promise<void> => {
    const { status, text } = await answerOf(get('/victim'))
    if (status === 429 || status === 503) refused++
    else if (status === 200 && text === VICTIM_LINES.map((line) => `${line}\n`).join(''))
      times.push(performance.now() - dueMs)
    else lost++
  }
  const reading = follow(get('/paced'))
  const startMs = performance.now()
  const calls: Promise<void>[] = []
  for (let n = 0; n * CALL_EVERY_MS < durationMs; n++) {
    const dueMs = startMs + n * CALL_EVERY_MS
    const waitMs = dueMs - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    calls.push(call(dueMs))
  }
  await Promise.all(calls)
  lost += reading.stop()
  agent.destroy()
  return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), complete: times.length, refused, lost }
}

function answerOf(request: ClientRequest): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const fail = (): void => resolve({ status: 0, text: '' })
    request.setTimeout(TIMEOUT_MS, () => request.destroy())
    request.on('error', fail)
    request.on('response', (response: IncomingMessage) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (data: string) => {
        text += data
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('close', fail)
    })
    request.end()
  })
}

/** Reads a stream of numbers. `stop` gives how many were missing, doubled or cut off. */
function follow(request: ClientRequest): { stop(): number } {
  let next = 0
  let faults = 0
  let rest = ''
  let isStopped = false
  const cut = (): void => {
    if (!isStopped) faults++
  }
  request.on('error', () => undefined)
  request.on('close', cut)
  request.on('response', (response: IncomingMessage) => {
    response.on('error', () => undefined)
    if (response.statusCode !== 200) {
      // Refused, and not lost.
      isStopped = true
      request.destroy()
      return
    }
    response.setEncoding('utf8')
    response.on('data', (data: string) => {
      const lines = (rest + data).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line !== String(next)) faults++
        next++
      }
    })
  })
  request.end()
  return {
    stop() {
      isStopped = true
      request.destroy()
      return faults
    },
  }
}
