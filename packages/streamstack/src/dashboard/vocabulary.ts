import type { BarWidget, GaugeWidget, LineWidget, MetricWidget } from '@streamstack/protocol'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'

/** A number of `system/metrics`, by the words that name it. */
export interface KnownMetric {
  readonly words: readonly string[]
  readonly widget: Omit<MetricWidget, 'type' | 'title' | 'source' | 'width'>
}

/** Words are compared without case, and without `api` and `the`. */
export const METRICS: readonly KnownMetric[] = [
  {
    words: ['active users', 'users', 'users online'],
    widget: { path: 'active_users', unit: 'last minute', better: 'higher' },
  },
  {
    words: ['requests per minute', 'requests a minute', 'requests', 'calls per minute', 'calls', 'throughput'],
    widget: { path: 'requests.last_minute', unit: 'a minute' },
  },
  {
    words: ['response times', 'response time', 'latency', 'first chunk', 'time to first chunk'],
    widget: { path: 'first_chunk_ms.p95', unit: 'ms p95', better: 'lower' },
  },
  {
    words: ['run times', 'run time', 'durations', 'duration'],
    widget: { path: 'duration_ms.p95', unit: 'ms p95', better: 'lower' },
  },
  {
    words: ['error rates', 'error rate', 'errors', 'failures'],
    widget: { path: 'error_rate', unit: '%', scale: 100, better: 'lower', warn: 1, fail: 5 },
  },
  {
    words: ['active streams', 'open streams', 'streams', 'active runs', 'runs'],
    widget: { path: 'active_streams', unit: 'open' },
  },
  {
    words: ['active readers', 'readers', 'connections'],
    widget: { path: 'active_readers', unit: 'reading' },
  },
  {
    words: ['chunks per minute', 'chunks a minute', 'chunks'],
    widget: { path: 'chunks.last_minute', unit: 'a minute' },
  },
  {
    words: ['chunk times', 'chunk latency'],
    widget: { path: 'chunk_ms.p95', unit: 'ms p95', better: 'lower' },
  },
  {
    words: ['memory', 'memory use'],
    widget: { path: 'memory.rss_bytes', unit: 'MB', scale: 1e-6, better: 'lower' },
  },
  {
    words: ['event loop delay', 'event loop'],
    widget: { path: 'event_loop_delay_ms.p99', unit: 'ms p99', better: 'lower' },
  },
  {
    words: ['messages per minute', 'messages'],
    widget: { path: 'channels.published.last_minute', unit: 'a minute' },
  },
  {
    words: ['websockets', 'open websockets'],
    widget: { path: 'websockets.open', unit: 'open' },
  },
]

type Chart<Widget> = Omit<Widget, 'source' | 'width' | 'type'>

/** What a chart of a type shows when its words name a purpose and no metric. */
export const CHARTS: {
  readonly line: Chart<LineWidget>
  readonly bar: Chart<BarWidget>
  readonly gauge: Chart<GaugeWidget>
} = {
  line: {
    title: 'First chunk, p50 and p95',
    series: [
      { path: 'first_chunk_ms.p95', label: 'p95' },
      { path: 'first_chunk_ms.p50', label: 'p50' },
    ],
    unit: 'ms',
    span: 3_600,
  },
  bar: { title: 'Requests by endpoint', each: 'endpoints', path: 'requests.last_minute', note: 'last minute' },
  gauge: { title: 'Open streams', path: 'active_streams' },
}

/** What follows `for`, `of` or `by` in the words of a chart and names no metric. */
const PURPOSES: Readonly<Record<keyof typeof CHARTS, readonly string[]>> = {
  line: ['trends', 'trend', 'history', 'time series', 'changes'],
  bar: ['comparisons', 'comparison', 'endpoints', 'rankings'],
  gauge: ['current values', 'current value', 'levels', 'status'],
}

/** Why a word means nothing, with what it most likely was to be. */
export interface Unknown {
  readonly problem: string
}

/** `Active users` → the number that it names. */
export function metricOfWords(words: string): KnownMetric | Unknown {
  const plain = plainWords(words)
  const known = METRICS.find((metric) => metric.words.includes(plain))
  if (known !== undefined) return known
  const all = METRICS.flatMap((metric) => metric.words)
  return unknown(
    'metric',
    words,
    didYouMean(plain, all),
    METRICS.map((metric) => metric.words[0] as string),
  )
}

export type ChartWords = { readonly type: keyof typeof CHARTS; readonly metric: KnownMetric | null }

/** `Line charts for trends`, `gauge`, `Bar chart of response times` → type and, where one is named, the metric. */
export function chartOfWords(words: string): ChartWords | Unknown {
  const [, first = '', rest = ''] =
    /^\s*(\S+)(?:\s+charts?)?(?:\s+(?:for|of|by|with|showing)\s+(.+?))?\s*$/i.exec(words) ?? []
  const types = Object.keys(CHARTS) as (keyof typeof CHARTS)[]
  const type = types.find((name) => [name, `${name}s`].includes(first.toLowerCase()))
  if (type === undefined) return unknown('chart', words, didYouMean(first, types), types)
  const purpose = plainWords(rest)
  if (purpose === '' || PURPOSES[type].includes(purpose)) return { type, metric: null }
  const metric = metricOfWords(rest)
  if (!('problem' in metric)) return { type, metric }
  const all = [...PURPOSES[type], ...METRICS.flatMap((one) => one.words)]
  return unknown('purpose of a chart', rest, didYouMean(purpose, all), [...PURPOSES[type].slice(0, 1), 'a metric'])
}

/** Where words of prose lead: what they speak of decides. Null: they name nothing that is known. */
export function streamOfWords(words: string): 'system/metrics' | 'system/activity' | null {
  const plain = words.toLowerCase()
  // Events first: "event statistics" are events.
  if (/\b(?:events?|activit(?:y|ies)|feeds?|logs?|audit)\b/.test(plain)) return 'system/activity'
  if (/\b(?:metrics?|analytics|statistics|stats|monitoring|performance|numbers)\b/.test(plain)) return 'system/metrics'
  return null
}

/** Words that prose about a source may turn on. */
export const SOURCE_WORDS: readonly string[] = [
  'metrics',
  'analytics',
  'statistics',
  'monitoring',
  'event',
  'events',
  'activity',
  'feed',
]

function plainWords(words: string): string {
  return words
    .toLowerCase()
    .replace(/[_-]/g, ' ')
    .replace(/\b(?:api|the|live|real time)\b/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}

function unknown(what: string, words: string, near: string | null, known: readonly string[]): Unknown {
  const cure = didYouMeanOr(near, `Known are ${known.join(', ')}.`)
  return { problem: `The ${what} "${words}" is not known. ${cure}` }
}
