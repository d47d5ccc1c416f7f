import { validateHeaderName, validateHeaderValue } from 'node:http'
import { GOVERNED_HEADERS } from '../../definition/index.ts'
import type { StepNode } from '../../definition/types.ts'
import { ArgumentError } from '../../expression/index.ts'
import type { RunningRun } from '../../run/index.ts'
import { stepError } from './step-error.ts'

/** Headers that the connection, the format or the run decides. */
const RESERVED: ReadonlySet<string> = new Set([...GOVERNED_HEADERS, 'content-type', 'stream-run', 'stream-url'])

/** Clients and proxies take some 8,000 to 16,000 characters of headers in all. */
const HEADER_CHARACTERS_MAX = 8_192

/** The value of a header as the filters of the run leave it. Throws `step_failed` where the header or its value may not be sent. */
export function passedHeader(step: StepNode, run: RunningRun, header: string, text: string): string {
  // A header leaves as chunks do: what filters of the run take out of them, they take out of it.
  const passed = run.outlet.message(text)
  const said = typeof passed === 'string' ? passed : text
  try {
    validateHeaderName(header)
    validateHeaderValue(header, said)
  } catch {
    throw headerFault(
      step,
      `'${header.replaceAll(/[^\w-]/g, '?')}' or its value has characters that no header may have.`,
    )
  }
  if (header.length + text.length > HEADER_CHARACTERS_MAX) {
    throw headerFault(
      step,
      `'${header}' is longer than ${HEADER_CHARACTERS_MAX} characters, which clients and proxies refuse. Send it as a chunk.`,
    )
  }
  return said
}

/** Throws `step_failed` for a header that a step cannot set. */
export function refuseReserved(step: StepNode, header: string): void {
  if (RESERVED.has(header.toLowerCase())) throw headerFault(step, `'${header}' is set by the server. Remove it.`)
}

/** Name and value are parameters of their own in one function, and together in another. */
function headerFault(step: StepNode, problem: string): ArgumentError {
  return new ArgumentError('step_failed', stepError(step, problem).message)
}
