import { StreamstackError, publicFace, toStreamstackError } from '@streamstack/protocol'
import type { Engine } from '../engine/index.ts'

/** What decides how errors are told. */
export type ErrorTeller = Pick<Engine, 'hidesDetails' | 'log'>

/**
 * Returns an error of one reader in the form that it receives: with its whole message, or without details meant for the operator (`server.errors`), which
 * the log has then. `url`: of the stream that was read.
 */
export function toldError({ hidesDetails, log }: ErrorTeller, thrown: unknown, url: string): StreamstackError {
  const error = toStreamstackError(thrown)
  const told = hidesDetails ? publicFace(error, null) : error
  if (told !== error || error.code === 'internal') {
    log.error({ err: error.cause ?? error, stream: url, code: error.code }, `a reader was broken off: ${error.message}`)
  }
  return told
}
