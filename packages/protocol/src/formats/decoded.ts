import type { Decoded, Outcome } from '../chunk.ts'
import type { PublicError } from '../errors.ts'
import { FormatError } from './format-error.ts'

const OUTCOMES: readonly unknown[] = ['completed', 'failed', 'cancelled', 'abandoned'] satisfies Outcome[]

/** An offset as it was parsed; null where there is none. */
export function decodedOffset(value: unknown): number | null {
  return Number.isSafeInteger(value) ? (value as number) : null
}

/** An in-band error as it was parsed. Throws FormatError when it is none. */
export function decodedError(value: unknown): Extract<Decoded, { type: 'error' }> {
  const error = value as PublicError | null | undefined
  if (typeof error?.code !== 'string') throw new FormatError('The stream holds an error without a code.')
  return { type: 'error', offset: null, error }
}

/** The end of a stream as it was parsed. Throws FormatError when it tells no outcome: then nothing has ended. */
export function decodedEnd({ outcome, offset, error }: Record<string, unknown>): Extract<Decoded, { type: 'end' }> {
  if (!OUTCOMES.includes(outcome)) throw new FormatError('The stream ends without an outcome.')
  return {
    type: 'end',
    outcome: outcome as Outcome,
    offset: decodedOffset(offset),
    error: (error ?? null) as PublicError | null,
  }
}
