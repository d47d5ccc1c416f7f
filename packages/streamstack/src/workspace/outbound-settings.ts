import { z } from 'zod'
import { allowEntryProblem, rewriteProblem } from '../outbound/index.ts'
import type { Environment } from './dotenv.ts'
import { addProblem, duration, OBJECT_MESSAGE, text, wholeNumber } from './setting-types.ts'

const rewriteShape = { to: text, unless: text }

/** `outbound`: the addresses that outbound requests may reach, and their time limits. */
export const outboundShape = {
  allow: z
    .array(text, 'must be a list such as [127.0.0.1:9000, 10.0.0.0/8]')
    .superRefine((entries, context) => {
      for (const [index, entry] of entries.entries()) addProblem(context, index, allowEntryProblem(entry) ?? null)
    })
    .default([])
    .meta({
      title: 'list of texts',
      description:
        'Addresses that outbound requests may reach although they are private: a host, an address or a range, each with a port if it should be only that.',
    }),
  rewrite: z
    .record(
      z.string(),
      z.union([text, z.strictObject(rewriteShape, OBJECT_MESSAGE)]),
      'must be an object such as { "https://api.openai.com": "http://127.0.0.1:9000" }',
    )
    .default({})
    .meta({
      title: 'object of origin and address',
      description:
        'Sends requests for an origin to another address, for example to a mock, without a change to definitions. The address must be listed under `outbound.allow`; `self` or a path stands for this server. A provider key without a value is then sent as a placeholder. `{ to, unless }` applies only while the environment variable `unless` has no value: a mock until there is a key.',
    }),
  connect_timeout: duration(1)
    .prefault('10s')
    .describe('Time limit for a connection: DNS, TCP, TLS, and the wait for a free one.'),
  first_byte_timeout: duration(1)
    .optional()
    .describe(
      'Time limit from the call to the headers of the answer, redirects included. Default: `timeout`, or 30s without it.',
    ),
  idle_timeout: duration(1)
    .optional()
    .describe('Longest silence within an answer. Default: `timeout`, or 2m without it.'),
  total_timeout: duration(1)
    .optional()
    .describe('Time limit from the call to the end of the answer. If omitted, only the limits of the run apply.'),
  timeout: duration(1).optional().describe('Default of both `first_byte_timeout` and `idle_timeout`.'),
  max_connections: wholeNumber(1, 100_000)
    .prefault(500)
    .describe(
      'Maximum number of connections to one host; further requests wait for a free one, for up to `connect_timeout`.',
    ),
}

/** Checks each rewrite against `allow`. */
export const outbound = z.strictObject(outboundShape, OBJECT_MESSAGE).superRefine(({ allow, rewrite }, context) => {
  for (const [from, to] of Object.entries(rewrite)) {
    const problem = rewriteProblem(from, typeof to === 'string' ? to : to.to, allow)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem, path: ['rewrite', from] })
  }
})

/** `outbound` as the program uses it. Limits that are not set are left out: the outbound door has defaults. */
export interface OutboundSettings {
  readonly allow: readonly string[]
  readonly rewrite: Readonly<Record<string, string>>
  readonly connectTimeoutMs: number
  readonly firstByteTimeoutMs?: number
  readonly idleTimeoutMs?: number
  readonly totalTimeoutMs?: number
  readonly hostConnectionsMax: number
}

/** Returns the checked section in the shape that the program uses. `environment`: what decides whether a rewrite holds. */
export function outboundSettings(checked: z.output<typeof outbound>, environment: Environment): OutboundSettings {
  const firstByteTimeoutMs = checked.first_byte_timeout ?? checked.timeout
  const idleTimeoutMs = checked.idle_timeout ?? checked.timeout
  return {
    allow: checked.allow,
    rewrite: rewritesOf(checked.rewrite, environment),
    connectTimeoutMs: checked.connect_timeout,
    ...(firstByteTimeoutMs === undefined ? {} : { firstByteTimeoutMs }),
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
    ...(checked.total_timeout === undefined ? {} : { totalTimeoutMs: checked.total_timeout }),
    hostConnectionsMax: checked.max_connections,
  }
}

/** Those that hold: one with `unless` does so while that variable has no value. */
function rewritesOf(
  rewrite: z.output<typeof outbound>['rewrite'],
  environment: Environment,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(rewrite).flatMap(([from, to]) => {
      if (typeof to === 'string') return [[from, to]]
      return (environment[to.unless] ?? '') === '' ? [[from, to.to]] : []
    }),
  )
}
