import type { Value } from '@streamstack/protocol'
import type { InputFault } from '../input/index.ts'
import type { StreamOptions } from '../run/index.ts'
import { refuseFaults } from './refuse-faults.ts'

/** What a caller may ask for at most. */
const CHUNK_WORDS_MAX = 10_000
const DELAY_MS_MAX = 60_000

/** Reads the input `options`: `chunk_size` (words per chunk), `delay` (ms between chunks), `include_metadata`. Throws `input_invalid` with every fault. */
export function callerOptions(value: Value): { shape: StreamOptions | null; includeMetadata: boolean } {
  const options = (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}) as Readonly<
    Record<string, Value>
  >
  const faults: InputFault[] = []
  const number = (name: string, min: number, max: number): number | null => {
    const given = Object.hasOwn(options, name) ? (options[name] ?? null) : null
    if (given === null || given === '') return null
    const parsed = typeof given === 'string' ? Number(given) : given
    if (typeof parsed === 'number' && Number.isInteger(parsed) && parsed >= min && parsed <= max) return parsed
    faults.push({ path: `options.${name}`, message: `must be a whole number from ${min} to ${max}` })
    return null
  }
  const chunkSize = number('chunk_size', 1, CHUNK_WORDS_MAX)
  const delayMs = number('delay', 0, DELAY_MS_MAX) ?? 0
  const wantsMetadata = Object.hasOwn(options, 'include_metadata') ? options['include_metadata'] : null
  if (![null, '', true, false, 'true', 'false'].includes(wantsMetadata as never)) {
    faults.push({ path: 'options.include_metadata', message: 'must be true or false' })
  }
  refuseFaults(faults)
  return {
    shape: chunkSize === null && delayMs === 0 ? null : { chunkSize, delayMs },
    includeMetadata: wantsMetadata === true || wantsMetadata === 'true',
  }
}
