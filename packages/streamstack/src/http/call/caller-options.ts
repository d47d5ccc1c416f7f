import type { Value } from '@streamstack/protocol'
import { parseDurationMs } from '../../definition/index.ts'
import type { InputFault, InputSources } from '../../input/index.ts'
import type { Plan } from '../../plan/index.ts'
import type { StreamOptions } from '../../run/index.ts'
import { refuseFaults } from '../answer/refuse-faults.ts'

/** What a caller may ask for at most. */
const CHUNK_WORDS_MAX = 10_000
const DELAY_MS_MAX = 60_000

const NOTHING: Readonly<Record<string, Value>> = Object.freeze({})

/** What a caller asks for with `options`, on an endpoint that declares them and on one that does not; `over` goes before it. Throws `input_invalid`. */
export function askedOptions(
  plan: Plan,
  sources: InputSources,
  inputs: Readonly<Record<string, Value>>,
  over: Readonly<Record<string, Value>> = NOTHING,
): ReturnType<typeof callerOptions> {
  if (!plan.hasOptions && over === NOTHING && !hasOptions(sources)) {
    return { shape: null, includeMetadata: sources.query.get('include_metadata') === 'true' }
  }
  const given = plan.hasOptions ? inputs['options'] : plan.undeclaredOptions?.check(sources)['options']
  const { shape, includeMetadata } = callerOptions({ ...membersOf(given ?? null), ...over })
  return { shape, includeMetadata: includeMetadata || sources.query.get('include_metadata') === 'true' }
}

/** Whether the caller has sent any: most have not, and pay nothing for looking. */
function hasOptions({ path, query, body }: InputSources): boolean {
  if (body instanceof URLSearchParams || Object.hasOwn(body, 'options') || Object.hasOwn(path, 'options')) return true
  for (const key of query.keys()) if (key.startsWith('options')) return true
  return false
}

/** Reads `options`: `chunk_size` (words per chunk), `delay` (between chunks, as `50ms` or milliseconds), `include_metadata`. Throws `input_invalid` with every fault. */
function callerOptions(value: Value): { shape: StreamOptions | null; includeMetadata: boolean } {
  const options = membersOf(value)
  const faults: InputFault[] = []
  const given = (name: string): Value => {
    const value = Object.hasOwn(options, name) ? (options[name] ?? null) : null
    return value === '' ? null : value
  }
  const number = (name: string, must: string, read: (value: Value) => number | null): number | null => {
    const value = given(name)
    if (value === null) return null
    const parsed = read(value)
    if (parsed === null) faults.push({ path: `options.${name}`, message: `must be ${must}` })
    return parsed
  }
  const chunkSize = number('chunk_size', `a whole number from 1 to ${CHUNK_WORDS_MAX}`, (value) => {
    const size = typeof value === 'string' ? Number(value) : value
    return typeof size === 'number' && Number.isInteger(size) && size >= 1 && size <= CHUNK_WORDS_MAX ? size : null
  })
  const delayMs = number('delay', `a duration such as 50ms, or milliseconds, from 0 to ${DELAY_MS_MAX}`, (value) => {
    const delay = parseDurationMs(value)
    return delay !== null && delay <= DELAY_MS_MAX ? delay : null
  })
  const wantsMetadata = Object.hasOwn(options, 'include_metadata') ? options['include_metadata'] : null
  if (![null, '', true, false, 'true', 'false'].includes(wantsMetadata as never)) {
    faults.push({ path: 'options.include_metadata', message: 'must be true or false' })
  }
  refuseFaults(faults)
  return {
    shape: chunkSize === null && delayMs === null ? null : { chunkSize, delayMs },
    includeMetadata: wantsMetadata === true || wantsMetadata === 'true',
  }
}

function membersOf(value: Value): Readonly<Record<string, Value>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Value>>)
    : {}
}
