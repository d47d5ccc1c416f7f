import { z } from 'zod'
import { compileStreamRule } from '../access/index.ts'
import { ExpressionErrors } from '../expression/index.ts'
import { addProblem, byteSize, duration, OBJECT_MESSAGE, text } from './setting-types.ts'

/** `streams`: what runs and streams by name keep, where and how long, and access to streams by name. */
export const streamsShape = {
  window_bytes: byteSize
    .prefault('4mb')
    .describe('How much of a stream is kept for readers that are behind or come later.'),
  retained_bytes: byteSize
    .prefault('64mb')
    .describe('How much all runs that are over may keep together; the oldest go first.'),
  retention: duration(0).prefault('5m').describe('How long a run that is over can still be read.'),
  durable_retention: duration(0)
    .prefault('1d')
    .describe('How long a run with `delivery: durable` can be read after it was last written or read.'),
  heartbeat: duration(100)
    .prefault('15s')
    .describe('After so much silence a reader gets a sign of life, where the format has one.'),
  access: z
    .enum(['closed', 'open'], 'must be closed or open')
    .default('closed')
    .describe(
      'Who may use `/v1/stream/<name>`. closed: tokens with the scope or role `streams:read` or `streams:write`; open: every program on this machine, and the server listens on no other address.',
    ),
  allow: text
    .superRefine((condition, context) => {
      try {
        compileStreamRule(condition)
      } catch (error) {
        if (!(error instanceof ExpressionErrors)) throw error
        for (const { message } of error.errors) addProblem(context, null, message)
      }
    })
    .optional()
    .describe(
      "Condition that must hold beside the scope for each stream by name, over `auth`, `stream` (its name) and `act` (read or write): `stream.startsWith('users/' + auth.sub + '/')`. Written without braces.",
    ),
  log: z
    .enum(['memory', 'sqlite'], 'must be memory or sqlite')
    .default('sqlite')
    .describe(
      'Where streams are kept. memory: gone when the server stops; sqlite: in the data folder, told as kept when on disk.',
    ),
  memory_bytes: byteSize
    .prefault('256mb')
    .describe('What all streams with `log: memory` may hold together; more is refused with 507.'),
  max_age: duration(1_000)
    .optional()
    .describe('Chunks older than this are dropped. Without it they stay as long as their stream.'),
  max_bytes: byteSize
    .optional()
    .describe('How much one stream keeps; the oldest chunks go first. Without it all stay.'),
  long_poll_timeout: duration(1)
    .prefault('30s')
    .describe('How long a long-poll waits for new chunks before it answers 204.'),
}

/** Checks that finished runs may keep at least one window. */
export const streams = z
  .strictObject(streamsShape, OBJECT_MESSAGE)
  .refine((value) => value.retained_bytes >= value.window_bytes, {
    path: ['retained_bytes'],
    message: 'must not be less than `streams.window_bytes`',
  })

/** `streams` as the program uses it. */
export interface StreamsSettings {
  readonly windowBytes: number
  readonly retainedBytes: number
  readonly retentionMs: number
  readonly durableRetentionMs: number
  readonly heartbeatMs: number
  /** The callers that may use streams by name: bearers of `streams:read` and `streams:write`, or every program on this machine. */
  readonly access: 'closed' | 'open'
  /** Condition for each stream by name, as text that compiles; null: none. */
  readonly allow: string | null
  readonly log: 'memory' | 'sqlite'
  readonly memoryBytes: number
  /** Null: chunks stay. */
  readonly maxAgeMs: number | null
  /** Null: a stream keeps everything. */
  readonly maxBytes: number | null
  readonly longPollTimeoutMs: number
}

/** Returns the checked section in the shape that the program uses. */
export function streamsSettings(checked: z.output<typeof streams>): StreamsSettings {
  return {
    windowBytes: checked.window_bytes,
    retainedBytes: checked.retained_bytes,
    retentionMs: checked.retention,
    durableRetentionMs: checked.durable_retention,
    heartbeatMs: checked.heartbeat,
    access: checked.access,
    allow: checked.allow ?? null,
    log: checked.log,
    memoryBytes: checked.memory_bytes,
    maxAgeMs: checked.max_age ?? null,
    maxBytes: checked.max_bytes ?? null,
    longPollTimeoutMs: checked.long_poll_timeout,
  }
}
