import type { Chunk } from '@streamstack/protocol'
import {
  REDACT_KINDS,
  type RedactKind,
  type RedactOptions,
  newRedactor,
  redactingFilter,
  wordListMatchers,
} from '../packages/streamstack/src/content/index.ts'
import { type Goal, type Report, type ScenarioOptions, count, fixed } from './harness/scenario.ts'
import { median } from './harness/statistics.ts'

const LEAST_MB_A_SECOND = 50

const PARAGRAPH =
  'The river does not wait to learn its end, and neither does a stream: the first words are read while the last are not yet made. ' +
  'On 14 March 2026, 1,204 readers followed the launch; 37 of them came back after 12.5 seconds and missed nothing. ' +
  'A page that shows text as it arrives is read sooner than one that waits, which is why the rest of this paragraph goes on for a while, ' +
  'with words of every length, short and extraordinary, some in brackets (like these) and some between dashes - so that a filter has to look ' +
  "at borders of all kinds. Questions go to ann.smith@example.com or +49 30 1234567, the office is open from 9 to 17 o'clock. "

const RECORDS = JSON.stringify(
  Array.from({ length: 100 }, (_, id) => ({
    id,
    origin: 'JFK',
    destination: 'SFO',
    delay: id * 3,
    date: '2026-03-14T09:30:00Z',
  })),
)

/** Filters in one process: how much text passes them in a second. */
export function filters({ quick }: ScenarioOptions): Promise<Report> {
  const rounds = quick ? 5 : 15
  const text = PARAGRAPH.repeat(quick ? 2_000 : 8_000)
  const digits = '4111 2026 0815 12 37 555 '.repeat(text.length / 50)
  const none: RedactOptions = { kinds: [], nationalIds: [], fields: [], matchers: [], replacement: null }
  const kinds = Object.keys(REDACT_KINDS) as RedactKind[]
  const builtIn = newRedactor({ ...none, kinds })
  const words = Array.from({ length: 1_000 }, (_, index) => `blocked${index}`)
  const list = { words: [], patterns: [], ignoreCase: true, replacement: '***' }
  const withWords = newRedactor({ ...none, matchers: wordListMatchers({ ...list, words }).matchers })
  const withPattern = newRedactor({
    ...none,
    matchers: wordListMatchers({ ...list, patterns: ['project\\s+\\w+'] }).matchers,
  })
  const withOpenPattern = newRedactor({
    ...none,
    matchers: wordListMatchers({ ...list, patterns: ['[a-z ]+zebra'] }).matchers,
  })

  const rows: string[][] = []
  const measure = (name: string, characters: number, work: () => void): number => {
    work()
    const times = Array.from({ length: rounds }, () => elapsed(work))
    const rate = characters / 1e6 / (median(times) / 1_000)
    rows.push([name, fixed(rate, 0)])
    return rate
  }
  const rate = measure('all built-in kinds, prose', text.length, () => void builtIn.text(text))
  measure('all built-in kinds, little but numbers', digits.length, () => void builtIn.text(digits))
  measure('all built-in kinds, records as JSON', RECORDS.length * 200, () => {
    for (let i = 0; i < 200; i++) builtIn.json(RECORDS)
  })
  measure('1,000 words', text.length, () => void withWords.text(text))
  measure('the pattern `project\\s+\\w+`', text.length, () => void withPattern.text(text))
  measure(
    'the pattern `[a-z ]+zebra`, which can begin at every letter',
    text.length,
    () => void withOpenPattern.text(text),
  )

  const chunks = (text.match(/\S+\s*/g) ?? []).map((data): Chunk => ({ kind: 'text', data, metadata: null }))
  const filter = redactingFilter(builtIn)
  const pass = (): void => {
    const state = filter.initial()
    for (const chunk of chunks) filter.push(state, chunk)
    filter.flush(state)
  }
  pass()
  const perChunk = (median(Array.from({ length: rounds }, () => elapsed(pass))) * 1_000) / chunks.length

  const goal: Goal = {
    what: 'all built-in kinds, prose',
    goal: `≥ ${LEAST_MB_A_SECOND} MB/s`,
    measured: `${fixed(rate, 0)} MB/s`,
    met: rate >= LEAST_MB_A_SECOND,
  }
  return Promise.resolve({
    title: 'Filters',
    method: `Processor time of one process, ${count(text.length)} characters of ASCII with an address and a phone number in each paragraph of ${count(PARAGRAPH.length)}. As a stream of single words, all built-in kinds together cost ${fixed(perChunk, 2)} µs a word.`,
    tables: [{ caption: 'Text that passes in a second', columns: ['', 'MB/s'], rows }],
    goals: [goal],
  })
}

/** Processor time in milliseconds: it is the same beside other work. */
function elapsed(work: () => void): number {
  const started = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(started)
  return (user + system) / 1_000
}
