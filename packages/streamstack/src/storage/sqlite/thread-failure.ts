/** An error on its way from a thread to the one that asked: errors themselves lose their fields on the way. */
export interface ThreadFailure {
  readonly kind: 'failed'
  readonly message: string
  /** SQLite's result code with its extension; null for other errors. */
  readonly errcode: number | null
}

/** An error as a message between threads. */
export function failureOf(error: unknown): ThreadFailure {
  const errcode =
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : null
  return { kind: 'failed', message: error instanceof Error ? error.message : String(error), errcode }
}

/** The error again, with the result code that the error tables look for. */
export function errorOf({ message, errcode }: Omit<ThreadFailure, 'kind'>): Error {
  return Object.assign(new Error(message), { errcode })
}
