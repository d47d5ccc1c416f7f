import { type ErrorCode, StreamstackError, type StreamstackErrorOptions } from '@streamstack/protocol'

/** The error about a value that a step was given, and that it, a query or a request cannot use. */
export class ArgumentError extends StreamstackError {
  /** The parameter of the step, or an entry of it as in `headers.x-id`; null: any of them. */
  readonly argument: string | null

  constructor(code: ErrorCode, message: string, { argument = null, ...options }: ArgumentErrorOptions = {}) {
    super(code, message, options)
    this.argument = argument
  }
}

/** The part of `url` that decides where a request goes. */
export const HOST_ARGUMENT = 'url host'

/** An expression that reads inputs alone: nothing else can be what is wrong. */
export const INPUTS_ALONE = 'inputs alone'

export interface ArgumentErrorOptions extends StreamstackErrorOptions {
  readonly argument?: string | null
}
