import type { Value } from '@streamstack/protocol'
import { refuseFaults } from '../answer/refuse-faults.ts'

/** What a probe is asked to send, within the bounds for callers without a token. */
export interface ProbePlan {
  /** By which its caller asks later whether the server saw it leave. Null: the caller will not ask. */
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

/** Of one probe, so that buffers up to 64 KiB show. */
const TOTAL_BYTES_MAX = 98_304
/** A probe that takes longer counts as a long one. */
const SHORT_MS_MAX = 10_000

/** The plan that the checked inputs of a request ask for. Throws `input_invalid` when it would send too much. */
export function probePlan(inputs: Readonly<Record<string, Value>>): ProbePlan {
  const [chunks, intervalMs, bytes, silenceMs] = ['chunks', 'interval', 'bytes', 'silence'].map((name) =>
    Number(inputs[name]),
  ) as [number, number, number, number]
  if (chunks * bytes > TOTAL_BYTES_MAX) {
    refuseFaults([{ path: 'bytes', message: `must be at most ${TOTAL_BYTES_MAX} for all chunks together` }])
  }
  return {
    id: typeof inputs['id'] === 'string' ? inputs['id'] : null,
    chunks,
    intervalMs,
    bytes,
    silenceMs,
    heartbeats: inputs['heartbeats'] === true,
    isLong: chunks * intervalMs + silenceMs > SHORT_MS_MAX,
  }
}
