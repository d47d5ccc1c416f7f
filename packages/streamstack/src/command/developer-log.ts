import type { Logger } from '../run/index.ts'
import { type CommandIo, colorsOf } from './io.ts'

/** Levels of `log.level`, from least to most. */
const LEVELS: readonly string[] = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']

/**
 * The engine's log for a developer at a terminal: one line an entry on stderr, with the place in a file where there is one and the causes
 * of an error, without stack traces. STREAMSTACK_DEBUG=1 adds those.
 */
export function developerLog(io: CommandIo, prefix: string): Logger & { level: string } {
  const { dim, yellow, red } = colorsOf(io.stderr, io.env)
  const entry = (level: string, paint: (text: string) => string) => {
    return (fields: object, message: string): void => {
      if (LEVELS.indexOf(level) > LEVELS.indexOf(log.level)) return
      const time = dim(new Date().toTimeString().slice(0, 8))
      const place = textIn(fields, 'place')
      const code = textIn(fields, 'code')
      const head = textIn(fields, 'audit_head')
      const data = 'data' in fields ? ` ${JSON.stringify(fields.data)}` : ''
      const parts = [
        time,
        paint(`${level}:`),
        ...(place === null ? [] : [prefix + place]),
        message + data + (head === null ? '' : ` ${head}`),
        ...(code === null ? [] : [`[${code}]`]),
      ]
      io.stderr.write(`${parts.join(' ')}\n`)
      if ('err' in fields) for (const line of causeLines(fields.err, io)) io.stderr.write(`${' '.repeat(9)}${line}\n`)
    }
  }
  const log = {
    level: 'info',
    debug: entry('debug', dim),
    info: entry('info', dim),
    warn: entry('warn', yellow),
    error: entry('error', red),
  }
  return log
}

function textIn(fields: object, name: string): string | null {
  const value: unknown = Object.hasOwn(fields, name) ? (fields as Record<string, unknown>)[name] : null
  return typeof value === 'string' ? value : null
}

/** `caused by: …` for an error and each of its causes. */
function causeLines(thrown: unknown, { env }: CommandIo): readonly string[] {
  const lines: string[] = []
  for (let error = thrown; error instanceof Error && lines.length < 10; error = error.cause) {
    lines.push(`caused by: ${env['STREAMSTACK_DEBUG'] === '1' ? (error.stack ?? error.message) : error.message}`)
  }
  return lines
}
