import { z } from 'zod'
import { parseByteSize, parseDurationMs } from '../definition/index.ts'

// Every message completes a sentence that begins with the key: "`server.port` must be …".
// Titles name the type, descriptions say what a setting is for: the reference page and editors show both.
export const text = z.string('must be text').trim().min(1, 'must not be empty').meta({ title: 'text' })
export const flag = z
  .union([z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')], 'must be true or false')
  .meta({ title: 'true or false' })

export function wholeNumber(min: number, max: number) {
  const range = `whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}`
  const message = `must be a ${range}`
  // Text, because {{env.PORT}} is text.
  const asText = z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
  return z
    .union([z.number(), asText], message)
    .refine((value) => Number.isSafeInteger(value) && value >= min && value <= max, message)
    .meta({ title: range })
}

const DURATION_MESSAGE = 'must be a duration such as 500ms, 30s or 5m'

export function duration(minMs: number) {
  return z
    .union([z.string(), z.number()], DURATION_MESSAGE)
    .transform((value, context) => {
      const milliseconds = parseDurationMs(value)
      if (milliseconds !== null && milliseconds >= minMs) return milliseconds
      context.addIssue({ code: 'custom', message: DURATION_MESSAGE })
      return z.NEVER
    })
    .meta({ title: 'duration, or milliseconds' })
}

/** HTTP and JWT count these in seconds, everything else here in milliseconds: so a bare number is refused. */
export function durationWithUnit() {
  const message = 'must be a duration with its unit, such as 30s or 10m'
  return z
    .string(message)
    .transform((value, context) => {
      const milliseconds = /[a-z]\s*$/i.test(value) ? parseDurationMs(value) : null
      if (milliseconds !== null) return Math.ceil(milliseconds / 1000)
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    })
    .meta({ title: 'duration with its unit' })
}

export function byteSizeFrom(min: number, message: string) {
  return z
    .union([z.string(), z.number()], message)
    .transform((value, context) => {
      const bytes = parseByteSize(value)
      if (bytes !== null && bytes >= min) return bytes
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    })
    .meta({ title: 'size, or bytes' })
}

export const byteSize = byteSizeFrom(1, 'must be a size such as 512kb or 10mb')

export function names(message: string) {
  return z
    .union([text.transform((one) => [one]), z.array(text, message)], message)
    .meta({ title: 'text, or a list of texts' })
}

export const OBJECT_MESSAGE = 'must be an object of keys and values'

/** Adds what another station says of a value, so that it completes the sentence. */
export function addProblem(
  context: z.core.$RefinementCtx,
  key: string | number | null,
  problem: string | null,
  intro = 'cannot be used: ',
): void {
  if (problem === null) return
  const message = intro + problem.replace(/\.$/, '')
  context.addIssue({ code: 'custom', message, path: key === null ? [] : [key] })
}
