import type { Logger } from '../run/index.ts'
import type { CommandIo } from './io.ts'
import { colorsOf } from './io.ts'

/** A log that people read, on stderr: what Log steps write, and what the engine warns of. */
export function terminalLog(io: CommandIo): Logger {
  const { dim, yellow, red } = colorsOf(io.stderr, io.env)
  const line = (label: string) => (fields: object, message: string) => {
    // Why a run failed is told by the command itself, with the place of the step.
    if ('code' in fields) return
    const data = 'data' in fields ? ` ${JSON.stringify(fields.data)}` : ''
    io.stderr.write(`${label} ${message}${data}\n`)
  }
  return { debug: () => undefined, info: line(dim('log:')), warn: line(yellow('log:')), error: line(red('log:')) }
}
