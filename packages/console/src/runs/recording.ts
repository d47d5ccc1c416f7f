import type { Step } from '../api.ts'
import type { ShownChunk } from '../run/chunk-store.ts'
import type { RunFault, RunModel } from '../run/run-model.ts'
import { withoutSecrets } from '../run/secret-input.ts'

/** A chunk with the milliseconds since the call at which it came. */
export interface RecordedChunk extends ShownChunk {
  readonly at: number
}

/** A run with all that the page needs to show it again, without a server. Files hold this as JSON. */
export interface Recording {
  /** Version of this form. */
  readonly streamstack_run: 1
  readonly run: string | null
  readonly method: string
  readonly path: string
  readonly stack: readonly Step[]
  /** What it was called with, secrets left out; null: not known. */
  readonly inputs: Readonly<Record<string, unknown>> | null
  readonly started_at: string | null
  /** `running` where the run went on when it was read. */
  readonly outcome: string
  readonly error: RunFault | null
  readonly elapsed_ms: number
  /** Whether `at` of the chunks are times, and not made up. */
  readonly is_timed: boolean
  readonly chunks: readonly RecordedChunk[]
  readonly trace: readonly unknown[]
}

const OUTCOMES = ['running', 'completed', 'failed', 'cancelled', 'abandoned', 'stopped']

/** A file that is larger is none of ours. */
export const FILE_BYTES_MAX = 256 * 1024 * 1024

/** What a model shows, as a recording. */
export function recordingOf(
  model: RunModel,
  { inputs, startedAt }: { inputs: Readonly<Record<string, unknown>> | null; startedAt: string | null },
): Recording {
  const { run, endpoint, chunks, trace, state, error, elapsedMs } = model
  return {
    streamstack_run: 1,
    run,
    method: endpoint.method,
    path: endpoint.path,
    stack: endpoint.stack,
    inputs: withoutSecrets(inputs),
    started_at: startedAt,
    outcome: OUTCOMES.includes(state) ? state : 'running',
    error,
    elapsed_ms: elapsedMs,
    is_timed: true,
    chunks: chunks.contents.map((chunk, index) => ({ ...chunk, at: chunks.timeMs(chunks.keptFrom + index) })),
    trace: trace.contents,
  }
}

/** Reads a file. Throws an Error that says what is wrong with it. */
export function parseRecording(text: string): Recording {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error('The file is not JSON.')
  }
  const file = isObject(value) ? value : {}
  if (file['streamstack_run'] !== 1) throw new Error('The file is no run that this console wrote.')
  const chunks = listOf(file['chunks'])
  const at = chunks.map((chunk) => (isObject(chunk) ? chunk['at'] : null))
  const isTimed = file['is_timed'] === true && at.every((ms) => typeof ms === 'number' && Number.isFinite(ms))
  const outcome = textOf(file['outcome'])
  return {
    streamstack_run: 1,
    run: textOf(file['run']) || null,
    method: textOf(file['method']) || 'GET',
    path: textOf(file['path']) || '/',
    stack: listOf(file['stack']).flatMap(stepOf),
    inputs: isObject(file['inputs']) ? file['inputs'] : null,
    started_at: textOf(file['started_at']) || null,
    outcome: OUTCOMES.includes(outcome) ? outcome : 'stopped',
    error: isObject(file['error'])
      ? { code: textOf(file['error']['code']), message: textOf(file['error']['message']) }
      : null,
    elapsed_ms: Number(file['elapsed_ms']) || 0,
    is_timed: isTimed,
    chunks: chunks.flatMap((chunk, index) => chunkOf(chunk, isTimed ? (at[index] as number) : null, index)),
    trace: listOf(file['trace']).flatMap(traceOf),
  }
}

/** Times of chunks from the marks of the server: chunks between two marks count as spread evenly. Null: there are no marks. */
export function timesOf(
  offsets: readonly (number | null)[],
  marks: readonly (readonly [offset: number, atMs: number])[] | null,
): number[] | null {
  if (marks === null || marks.length === 0) return null
  let mark = 0
  return offsets.map((offset, index) => {
    const wanted = offset ?? index + 1
    while (mark + 1 < marks.length && (marks[mark + 1]?.[0] ?? Infinity) <= wanted) mark++
    const [from, fromMs] = marks[mark] ?? [0, 0]
    const [to, toMs] = marks[mark + 1] ?? [from, fromMs]
    return to === from || wanted <= from ? fromMs : fromMs + ((wanted - from) / (to - from)) * (toMs - fromMs)
  })
}

/** Time between chunks whose times are not known. */
const MADE_UP_MS = 50

export function madeUpTime(index: number): number {
  return index * MADE_UP_MS
}

function chunkOf(value: unknown, at: number | null, index: number): RecordedChunk[] {
  if (!isObject(value)) return []
  const { offset, kind, content, metadata } = value
  return [
    {
      offset: typeof offset === 'number' ? offset : null,
      kind: textOf(kind) || 'text',
      content: content ?? null,
      metadata: isObject(metadata) ? metadata : null,
      at: at ?? madeUpTime(index),
    },
  ]
}

/** Only what the page shows, because files are untrusted. */
function stepOf(value: unknown): Step[] {
  if (!isObject(value)) return []
  return [
    {
      id: textOf(value['id']),
      function: textOf(value['function']),
      label: textOf(value['label']) || null,
      detail: textOf(value['detail']) || null,
      line: Number(value['line']) || 0,
      disabled: value['disabled'] === true,
      stacks: listOf(value['stacks']).flatMap((stack) =>
        isObject(stack) ? [{ name: textOf(stack['name']), steps: listOf(stack['steps']).flatMap(stepOf) }] : [],
      ),
    },
  ]
}

/** A piece of a trace, with the entries that are as the server writes them. */
function traceOf(value: unknown): object[] {
  if (!isObject(value)) return []
  const { events, failed, variables } = value
  if (Array.isArray(events)) return [{ events: events.filter(isEvent) }]
  if (isObject(failed)) {
    return [
      { failed: { step: textOf(failed['step']), code: textOf(failed['code']), message: textOf(failed['message']) } },
    ]
  }
  return variables === 'cut' ? [{ variables }] : []
}

function isEvent(value: unknown): boolean {
  if (!isObject(value)) return false
  const { program, step, loop, at, chunks, set } = value
  return (
    typeof program === 'string' &&
    typeof step === 'string' &&
    Array.isArray(loop) &&
    loop.every(Number.isInteger) &&
    Number.isFinite(at) &&
    Number.isInteger(chunks) &&
    (set === undefined || (isObject(set) && Object.values(set).every((text) => typeof text === 'string')))
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
