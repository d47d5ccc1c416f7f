import { pick, pickNumber, valueText } from '../base/pick.ts'

/** An entry of a feed. */
export interface Activity {
  readonly id: number
  readonly timeMs: number
  /** Class of the pill. */
  readonly kind: string
  /** Word in the pill; '' for none. */
  readonly word: string
  readonly what: string
  readonly who: string
  readonly chunks: number | null
  readonly durationMs: number | null
  readonly more: string
}

const KINDS: Readonly<Record<string, string>> = {
  completed: 'ok',
  ok: 'ok',
  success: 'ok',
  running: 'running',
  started: 'running',
  failed: 'failed',
  error: 'failed',
  refused: 'failed',
  cancelled: 'caught',
  abandoned: 'caught',
  warning: 'caught',
  caught: 'caught',
}

/** Members that have a place of their own. */
const WHAT = ['route', 'title', 'message', 'text', 'action', 'event', 'name', 'type']
const WORD = ['outcome', 'status', 'level', 'state']
const WHO = ['caller', 'user', 'actor', 'from', 'by']
const TIME = ['time', 'timestamp', 'at', 'id', 'run', 'endpoint', 'bytes', 'duration_ms', 'chunks']

/** An entry of `system/activity`, or of any other stream as far as its members have common names. */
export function activityOf(value: unknown): Omit<Activity, 'id' | 'timeMs'> {
  const empty = { kind: '', word: '', who: '', chunks: null, durationMs: null, more: '' }
  if (value === null || typeof value !== 'object') return { ...empty, what: valueText(value) }
  const wordName = WORD.find((name) => typeof pick(value, name) === 'string') ?? ''
  const whatName = WHAT.find((name) => valueText(pick(value, name)) !== '') ?? ''
  const whoName = WHO.find((name) => valueText(pick(value, name)) !== '') ?? ''
  const word = wordName === '' ? '' : valueText(pick(value, wordName))
  const shown = new Set([wordName, whatName, whoName, ...TIME])
  const isOurs = pick(value, 'route') !== undefined
  const rest = Object.entries(value)
    .filter(([name, member]) => !shown.has(name) && member !== null && typeof member !== 'object' && member !== '')
    .map(([name, member]) => `${name} ${valueText(member)}`)
  const error = valueText(pick(value, 'error'))
  return {
    kind: Object.hasOwn(KINDS, word) ? (KINDS[word] ?? '') : '',
    word: word === 'completed' ? 'ok' : word,
    what: whatName === '' ? valueText(value) : valueText(pick(value, whatName)),
    who: whoName === '' ? '' : valueText(pick(value, whoName)),
    chunks: pickNumber(value, 'chunks'),
    durationMs: pickNumber(value, 'duration_ms'),
    more: isOurs ? error : whatName === '' ? '' : rest.join(' · '),
  }
}
