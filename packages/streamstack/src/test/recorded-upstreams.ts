import { writeFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { piecesOf } from './pieces.ts'
import type { RecordedAnswer } from './recorded-answers.ts'

/** A body that is longer, or is not text, gets a file of its own. */
const INLINE_CHARACTERS_MAX = 2_000

/** A replayed answer takes at most this long, so that the recording of a slow model does not make a slow test. */
const REPLAY_MS_MAX = 2_000

/** Faults of replayed answers are counted in pieces. */
interface WrittenAnswer {
  readonly status?: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly file?: string
  readonly pace?: string
  readonly fault?: { readonly reset: number }
}

/**
 * The key `upstreams` of a test that replays recorded answers. Writes long bodies to `tests/recordings/<name>-<n>.<extension>`.
 * `dir` is the workspace.
 */
export function recordedUpstreams(
  dir: string,
  name: string,
  answers: readonly RecordedAnswer[],
): Readonly<Record<string, WrittenAnswer | readonly WrittenAnswer[]>> {
  const written = answers.map((answer, index) => ({
    origin: answer.origin,
    written: writtenAnswer(dir, `tests/recordings/${name}-${index + 1}`, answer),
  }))
  const byOrigin = Map.groupBy(written, ({ origin }) => origin)
  return Object.fromEntries(
    [...byOrigin].map(([origin, [first, ...others]]) => [
      origin,
      first !== undefined && others.length === 0
        ? first.written
        : [first, ...others].flatMap((one) => one?.written ?? []),
    ]),
  )
}

function writtenAnswer(dir: string, path: string, answer: RecordedAnswer): WrittenAnswer {
  const { status, headers, durationMs, isBroken } = answer
  const body = Buffer.from(answer.body, 'base64')
  const pieces = piecesOf({ body, pieceBytes: null, headers }).filter(({ length }) => length > 0)
  const paceMs = Math.floor(Math.min(durationMs, REPLAY_MS_MAX) / Math.max(1, pieces.length - 1))
  return {
    ...(status !== 200 && { status }),
    headers,
    ...bodyOf(dir, path, body, headers['content-type'] ?? ''),
    ...(paceMs > 0 && pieces.length > 1 && { pace: `${paceMs}ms` }),
    ...(isBroken && { fault: { reset: pieces.length } }),
  }
}

function bodyOf(dir: string, path: string, body: Buffer, type: string): { body: string } | { file: string } {
  const text = body.toString('utf8')
  if (text.length <= INLINE_CHARACTERS_MAX && Buffer.from(text).equals(body)) return { body: text }
  const file = `${path}.${extensionOf(type)}`
  mkdirSync(dirname(join(dir, file)), { recursive: true })
  writeFileSync(join(dir, file), body)
  return { file }
}

function extensionOf(type: string): string {
  if (type.startsWith('text/event-stream')) return 'sse'
  if (/^application\/(?:x-)?(?:ndjson|jsonl)/.test(type)) return 'ndjson'
  if (/[/+]json/.test(type)) return 'json'
  return type.startsWith('text/') ? 'txt' : 'bin'
}
