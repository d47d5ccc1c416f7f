import type { InputFault } from '../input/index.ts'
import { refuseFaults } from './refuse-faults.ts'

/** What a probe is asked to send, within the bounds of what anybody may ask for. */
export interface ProbePlan {
  /** By which its caller asks later whether the server saw it leave. Null: nobody will ask. */
  readonly id: string | null
  /** How many ticks. */
  readonly chunks: number
  /** Between two ticks, and before the first. */
  readonly intervalMs: number
  /** Padding of a tick, so that buffers of any size fill. */
  readonly bytes: number
  /** How long the stream says nothing of its own after the last tick. */
  readonly silenceMs: number
  /** Whether the silence is kept alive as that of every stream is. */
  readonly heartbeats: boolean
  readonly isLong: boolean
}

const CHUNKS_MAX = 100
const INTERVAL_MS_MAX = 2_000
const BYTES_MAX = 4_096
/** Of one probe, so that buffers up to 64 KiB show. */
const TOTAL_BYTES_MAX = 98_304
const SILENCE_MS_MAX = 600_000
/** A probe that takes longer counts as a long one. */
const SHORT_MS_MAX = 10_000

/** Reads `?id=&chunks=&interval=&bytes=&silence=&heartbeats=`; times in milliseconds. Throws `input_invalid` with every fault. */
export function probePlan(query: URLSearchParams): ProbePlan {
  const faults: InputFault[] = []
  const number = (name: string, max: number, fallback: number): number => {
    const text = query.get(name)
    if (text === null) return fallback
    if (/^\d{1,9}$/.test(text) && Number(text) <= max) return Number(text)
    faults.push({ path: name, message: `must be a whole number from 0 to ${max}` })
    return fallback
  }
  const id = query.get('id')
  if (id !== null && !/^[\w-]{8,64}$/.test(id)) {
    faults.push({ path: 'id', message: 'must be 8 to 64 letters, digits, _ and -' })
  }
  const heartbeats = query.get('heartbeats') ?? 'true'
  if (!['true', 'false'].includes(heartbeats)) faults.push({ path: 'heartbeats', message: 'must be true or false' })
  const chunks = number('chunks', CHUNKS_MAX, 0)
  const intervalMs = number('interval', INTERVAL_MS_MAX, 200)
  const bytes = number('bytes', BYTES_MAX, 0)
  const silenceMs = number('silence', SILENCE_MS_MAX, 0)
  if (chunks * bytes > TOTAL_BYTES_MAX) {
    faults.push({ path: 'bytes', message: `must be at most ${TOTAL_BYTES_MAX} for all chunks together` })
  }
  refuseFaults(faults)
  return {
    id,
    chunks,
    intervalMs,
    bytes,
    silenceMs,
    heartbeats: heartbeats === 'true',
    isLong: chunks * intervalMs + silenceMs > SHORT_MS_MAX,
  }
}
