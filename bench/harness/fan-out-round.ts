import { setTimeout as sleep } from 'node:timers/promises'
import { NumberedAppends } from './numbered-appends.ts'
import { SseListener } from './sse-listener.ts'
import { streamPath } from './stream-calls.ts'

const INTERVAL_MS = 20
const PAYLOAD_BYTES = 200
const OPENED_AT_ONCE = 50
/** How long the last payload may take. */
const PATIENCE_MS = 10_000

/** What all readers saw of some appends, in milliseconds. */
export interface FanOutTimes {
  afterSentMs: number[]
  afterAnswerMs: number[]
  /** One for each append. */
  answerMs: number[]
  /** `afterSentMs`, by append. */
  perAppendMs: number[][]
}

/** Readers at the end of one text stream, and one who appends to it. */
export class FanOutRound {
  readonly #appends: NumberedAppends
  readonly #listeners: SseListener[] = []
  /** Who got which payload when. */
  #numbers: number[] = []
  #atMs: number[] = []

  private constructor(port: number, name: string) {
    this.#appends = new NumberedAppends(port, streamPath(name), 'text/plain', PAYLOAD_BYTES)
  }

  static async open(port: number, name: string, readers: number): Promise<FanOutRound> {
    const round = new FanOutRound(port, name)
    const note = (number: number): void => {
      round.#numbers.push(number)
      round.#atMs.push(performance.now())
    }
    while (round.#listeners.length < readers) {
      const opened = Array.from(
        { length: Math.min(OPENED_AT_ONCE, readers - round.#listeners.length) },
        () => new SseListener(port, `${streamPath(name)}?offset=now&live=sse`, 0, note),
      )
      await Promise.all(opened.map(({ listening }) => listening))
      round.#listeners.push(...opened)
    }
    return round
  }

  /** Appends so many, one each 20 ms, and waits until all readers have them. */
  async append(count: number): Promise<FanOutTimes> {
    this.#numbers = []
    this.#atMs = []
    const first = this.#appends.next
    const startMs = performance.now()
    for (let i = 0; i < count; i++) {
      await sleep(Math.max(0, startMs + i * INTERVAL_MS - performance.now()))
      this.#appends.append()
    }
    const due = count * this.#listeners.length
    for (const untilMs = performance.now() + PATIENCE_MS; this.#atMs.length < due; await sleep(INTERVAL_MS)) {
      if (performance.now() > untilMs) throw new Error(`${due - this.#atMs.length} of ${due} payloads never came`)
    }
    const { sentAtMs, answeredAtMs } = this.#appends
    const since = (times: readonly number[]): number[] =>
      this.#atMs.map((atMs, index) => atMs - (times[this.#numbers[index] ?? 0] ?? Number.NaN))
    const afterSentMs = since(sentAtMs)
    const perAppendMs: number[][] = Array.from({ length: count }, () => [])
    for (const [index, ms] of afterSentMs.entries()) perAppendMs[(this.#numbers[index] ?? 0) - first]?.push(ms)
    return {
      perAppendMs,
      afterSentMs,
      afterAnswerMs: since(answeredAtMs),
      answerMs: answeredAtMs.slice(first).map((atMs, index) => atMs - (sentAtMs[first + index] ?? Number.NaN)),
    }
  }

  close(): void {
    for (const listener of this.#listeners) listener.close()
    this.#appends.close()
  }
}
