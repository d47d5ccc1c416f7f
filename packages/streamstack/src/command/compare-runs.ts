import { CONTENT_KINDS, type Value } from '@streamstack/protocol'
import type { LiveRun } from '../engine/index.ts'
import { collect } from '../stream/reading.ts'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { CommandFailure } from './failure.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { textTable } from './text-table.ts'

/** What callers can ask for in several ways. */
const OPTIONS = ['chunk_size', 'delay']

/** Values that are tried at once, at most. */
const VALUES_MAX = 12

/** Chunks that are shown of each run, and characters of each. */
const ROWS = 16
const CELL_WIDTH = 28

/** An option of the caller, and the values to try. */
export interface Comparison {
  readonly option: string
  readonly values: readonly string[]
}

/** Reads `chunk_size=1,5,10`. */
export function parseComparison(text: string): Comparison {
  const [option = '', listed = ''] = text.split('=', 2)
  if (!OPTIONS.includes(option)) {
    const guess = didYouMean(option, OPTIONS)
    const cure = didYouMeanOr(guess, `Compare ${OPTIONS.join(' or ')}.`)
    throw new CommandFailure(`--compare: there is no option '${option}'. ${cure}`)
  }
  const values = listed.split(',').map((value) => value.trim())
  if (values.includes('') || values.length > VALUES_MAX) {
    throw new CommandFailure(`--compare wants 1 to ${VALUES_MAX} values, as in --compare ${option}=1,5,10.`)
  }
  return { option, values }
}

/** The member of `options` that asks for a value. */
export function optionOf({ option }: Comparison, value: string): Readonly<Record<string, Value>> {
  return { [option]: value }
}

interface Chunk {
  readonly atMs: number
  readonly characters: number
}

/** What one run sent, and when it came. */
interface Course {
  readonly chunks: Chunk[]
  /** Of the first chunks. */
  readonly texts: string[]
  /** All that was sent, as a text client would show it. */
  whole: string
  totalMs: number
}

/** Runs them side by side and shows how each arrived. */
export async function compareRuns(io: CommandIo, comparison: Comparison, lives: readonly LiveRun[]): Promise<void> {
  const courses = lives.map((live) => follow(live))
  for (const live of lives) live.execution.start()
  const followed = await Promise.all(courses)
  const colors = colorsOf(io.stdout, io.env)
  const head = ['', ...comparison.values.map((value) => `${comparison.option} ${value}`)]
  const right = head.map((_, at) => at).slice(1)
  for (const line of textTable(head, summary(followed), { head: colors.dim, right })) io.stdout.write(`${line}\n`)
  io.stdout.write('\n')
  const rows = Array.from({ length: Math.min(ROWS, longest(followed)) }, (_, at) =>
    followed.map(({ chunks, texts }) => shown(chunks[at], texts[at])),
  )
  for (const line of textTable(head.slice(1), rows, { head: colors.dim, widthMax: CELL_WIDTH })) {
    io.stdout.write(`${line}\n`)
  }
  const more = longest(followed) - ROWS
  if (more > 0) io.stdout.write(colors.dim(`… and up to ${more} chunks more\n`))
  if (new Set(followed.map(({ whole }) => whole)).size > 1) {
    io.stdout.write('\nThe runs did not send the same text, so that their numbers compare less.\n')
  }
}

async function follow(live: LiveRun): Promise<Course> {
  const course: Course = { chunks: [], texts: [], whole: '', totalMs: 0 }
  const startedMs = performance.now()
  const collection = collect({
    source: live,
    position: 0,
    until: 'end',
    record: null,
    take: ({ chunks, from, to }) => {
      const atMs = performance.now() - startedMs
      for (const { kind, data } of chunks.slice(from, to)) {
        // Chunks that report on an answer, such as its token usage, have no size to compare.
        if (!CONTENT_KINDS.has(kind)) continue
        course.chunks.push({ atMs, characters: data.length })
        if (course.texts.length < ROWS) course.texts.push(data.slice(0, CELL_WIDTH * 2))
        if (kind === 'text') course.whole += data
      }
    },
  })
  collection.begin()
  await collection.done
  course.totalMs = performance.now() - startedMs
  return course
}

function summary(courses: readonly Course[]): string[][] {
  const row = (name: string, of: (course: Course) => string): string[] => [name, ...courses.map(of)]
  return [
    row('first chunk', ({ chunks }) => milliseconds(chunks[0]?.atMs)),
    row('total', ({ totalMs }) => milliseconds(totalMs)),
    row('chunks', ({ chunks }) => String(chunks.length)),
    row('characters per chunk', ({ chunks }) => decimal(mean(chunks.map(({ characters }) => characters)))),
    row('gap, median', (course) => milliseconds(percentile(gaps(course), 0.5))),
    row('gap, 95th percentile', (course) => milliseconds(percentile(gaps(course), 0.95))),
    row('gap, longest', (course) => milliseconds(percentile(gaps(course), 1))),
  ]
}

function shown(chunk: Chunk | undefined, text: string | undefined): string {
  return chunk === undefined ? '' : `${milliseconds(chunk.atMs).padStart(8)}  ${text ?? ''}`
}

function gaps({ chunks }: Course): number[] {
  return chunks.slice(1).map(({ atMs }, at) => atMs - (chunks[at]?.atMs ?? 0))
}

function longest(courses: readonly Course[]): number {
  return Math.max(0, ...courses.map(({ chunks }) => chunks.length))
}

/** The smallest of the values that a share of them does not exceed. */
function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '-' : `${Math.round(value)} ms`
}

function decimal(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(1)
}
