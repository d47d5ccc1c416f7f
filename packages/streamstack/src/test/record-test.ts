import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Value } from '@streamstack/protocol'
import { stringify } from 'yaml'
import { observeCall } from './observe-call.ts'
import type { Observed } from './observed.ts'
import { recordedUpstreams } from './recorded-upstreams.ts'
import { OwnServer } from './tested-server.ts'

export interface RecordOptions {
  readonly dir: string
  readonly method: string
  /** With the query. */
  readonly path: string
  /** JSON; null: no body. */
  readonly body: string | null
  /** Of the token that is sent; null: none is. */
  readonly caller: RecordedCaller | null
}

export interface RecordedCaller {
  readonly sub: string
  readonly roles?: readonly string[]
  readonly scopes?: readonly string[]
}

const TIMEOUT_MS = 120_000

export interface RecordedTest {
  /** Relative to the workspace. */
  file: string
  status: number
  /** Code of the error that the call ended with. */
  error: string | null
}

/** Content longer than this is expected by its type alone. */
const CONTENT_CHARACTERS_MAX = 500

/**
 * Makes one real call and writes a test that expects what came and replays the answers of its upstreams. Throws Error when there is no answer.
 */
export async function recordTest({ dir, method, path, body, caller }: RecordOptions): Promise<RecordedTest> {
  const server = new OwnServer(dir, {}, true)
  try {
    await server.start()
    const headers: Record<string, string> =
      caller === null ? {} : { Authorization: `Bearer ${await server.token(claimsOf(caller))}` }
    const request = { method, path, headers: {}, body, format: 'ndjson' } as const
    const observed = await observeCall(request, { url: server.url, headers, timeoutMs: TIMEOUT_MS })
    if (observed.status === null) throw new Error(`There was no answer: ${observed.broken ?? 'nothing came'}.`)
    const file = freeName(dir, `${method.toLowerCase()}${path.split('?', 1)[0]}`)
    mkdirSync(join(dir, 'tests'), { recursive: true })
    const upstreams = recordedUpstreams(dir, basename(file, '.yaml'), await server.recorded())
    const test = {
      name: `${method} ${path}`,
      request: { method, path, ...(body === null ? {} : { body: JSON.parse(body) as unknown }) },
      ...(caller === null ? {} : { caller }),
      ...(Object.keys(upstreams).length > 0 && { upstreams }),
      expect: expectationOf(observed),
    }
    writeFileSync(join(dir, file), stringify({ tests: [test] }))
    return { file, status: observed.status, error: observed.error?.code ?? null }
  } finally {
    await server.close()
  }
}

function claimsOf({ sub, roles, scopes }: RecordedCaller): Record<string, Value> {
  return {
    sub,
    ...(roles !== undefined && { roles }),
    ...(scopes !== undefined && { scope: scopes.join(' ') }),
  }
}

function expectationOf({ status, chunks, outcome, error }: Observed): object {
  const isError = error !== null
  return {
    status,
    ...(status !== null && status < 400 ? { chunks: chunks.map(({ content, kind }) => chunkOf(content, kind)) } : {}),
    ...(outcome === null ? {} : { outcome }),
    ...(isError ? { error: error.code } : {}),
  }
}

function chunkOf(content: unknown, kind: string): object {
  const text = JSON.stringify(content)
  if (text.length > CONTENT_CHARACTERS_MAX) {
    const type = content === null ? 'null' : Array.isArray(content) ? 'array' : typeof content
    return { content: { type } }
  }
  const isPlain = kind === 'text' || kind === 'json'
  return { content: { equals: content }, ...(isPlain ? {} : { kind }) }
}

function freeName(dir: string, name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^-|-$/g, '')
  for (let number = 1; ; number++) {
    const file = `tests/${plain}${number === 1 ? '' : `-${number}`}.yaml`
    if (!existsSync(join(dir, file))) return file
  }
}
