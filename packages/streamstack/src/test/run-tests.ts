import { globSync } from 'node:fs'
import type { EndpointCoverage } from './coverage.ts'
import { failureOf } from './check.ts'
import { callUnderFault } from './faults.ts'
import type { Observed } from './observed.ts'
import { observeCall } from './observe-call.ts'
import { type TestContext, callerHeaders, playUpstreams } from './test-context.ts'
import { readTestFile } from './read-test-file.ts'
import type { TestCase, TestFile } from './test-case.ts'
import { OwnServer, type TestedServer } from './tested-server.ts'
import { UpstreamServer } from './upstream-server.ts'

export interface TestFailure {
  /** In the words of the file; null: the call itself could not be made. */
  readonly title: string | null
  readonly message: string
  readonly line: number
}

export interface TestResult {
  readonly file: string
  /** With the fault, where there is one. */
  readonly name: string
  readonly failures: readonly TestFailure[]
  readonly durationMs: number
}

export interface TestRun {
  readonly results: readonly TestResult[]
  /** Empty when the server was not the runner's own. */
  readonly coverage: readonly EndpointCoverage[]
}

export interface RunTestsOptions {
  readonly dir: string
  readonly files: readonly TestFile[]
  /** Only cases whose file or name contains it; null: all. */
  readonly filter: string | null
  /** Calls at once. */
  readonly workers: number
  /** A server that is there already; null: one is started. */
  readonly url: string | null
  readonly onResult: (result: TestResult) => void
  readonly signal: AbortSignal
}

/** The files of `tests/` in a workspace, read and checked. */
export function readTests(dir: string): TestFile[] {
  return globSync('tests/**/*.{yaml,yml,json,jsonc}', { cwd: dir })
    .filter((file) => !file.includes('recordings/'))
    .map((file) => file.replaceAll('\\', '/'))
    .toSorted()
    .map((file) => readTestFile(dir, file))
}

/** Runs the cases of test files against a server. Throws Error when the workspace cannot be served. */
export async function runTests(options: RunTestsOptions): Promise<TestRun> {
  const { dir, filter, files } = options
  const wanted = files.flatMap(({ file, cases }) =>
    cases
      .filter(({ name }) => filter === null || `${file} ${name}`.toLowerCase().includes(filter.toLowerCase()))
      .map((test) => ({ file, test })),
  )
  const played = wanted.find(({ test }) => test.upstreams.length > 0)
  if (options.url !== null && played !== undefined) {
    throw new Error(
      `${played.file}:${played.test.position.line} The test has \`upstreams\`, which only a server that the runner starts can use. Leave out --url, or select other tests by --filter.`,
    )
  }
  const upstreams = new Map<string, UpstreamServer>()
  for (const { test } of wanted) {
    for (const { origin } of test.upstreams)
      if (!upstreams.has(origin)) upstreams.set(origin, new UpstreamServer(origin))
  }
  for (const upstream of upstreams.values()) await upstream.start()
  const rewrite = Object.fromEntries([...upstreams].map(([origin, { url }]) => [origin, url]))
  const own = options.url === null ? new OwnServer(dir, rewrite) : null
  try {
    await own?.start()
    const server: TestedServer = own ?? foreignServer(options.url ?? '')
    const results: TestResult[] = []
    const run = async ({ file, test }: (typeof wanted)[number]): Promise<void> => {
      for await (const result of resultsOf(file, test, { server, own, upstreams })) {
        results.push(result)
        options.onResult(result)
        if (options.signal.aborted) return
      }
    }
    // Played upstreams, memory and restarts belong to one case at a time.
    const [alone, beside] = [wanted.filter(({ test }) => isAlone(test)), wanted.filter(({ test }) => !isAlone(test))]
    await eachOf(beside, options.workers, options.signal, run)
    await eachOf(alone, 1, options.signal, run)
    return { results, coverage: own === null ? [] : await own.coverage() }
  } finally {
    await own?.close()
    for (const upstream of upstreams.values()) await upstream.close()
  }
}

async function* resultsOf(file: string, test: TestCase, context: TestContext): AsyncGenerator<TestResult> {
  const started = performance.now()
  const calls: Observed[] = []
  let failures: TestFailure[] = []
  try {
    for (let call = 0; call < test.repeat; call++) calls.push(await callOnce(test, context))
    failures = test.checks.flatMap((check) => {
      const message = failureOf(check, calls)
      return message === null ? [] : [{ title: check.title, message, line: check.position.line }]
    })
  } catch (error) {
    failures = [{ title: null, message: (error as Error).message, line: test.position.line }]
  }
  yield { file, name: test.name, failures, durationMs: performance.now() - started }
  for (const fault of test.faults) {
    const faultStarted = performance.now()
    const { name, messages } = await callUnderFault(test, fault, context)
    yield {
      file,
      name: `${test.name} › ${name}`,
      failures: messages.map(({ title, message }) => ({ title, message, line: test.position.line })),
      durationMs: performance.now() - faultStarted,
    }
  }
}

/** One call as the case says it. Throws Error when no token can be made. */
export async function callOnce(test: TestCase, context: TestContext): Promise<Observed> {
  const { server } = context
  playUpstreams(test, context)
  const watchesMemory = test.checks.some(({ judge }) => judge.kind === 'median' && judge.unit === 'MiB')
  const before = watchesMemory ? await server.memoryBytes() : null
  const observed = await observeCall(test.request, {
    url: server.url,
    headers: await callerHeaders(test, server),
    timeoutMs: test.timeoutMs,
  })
  const after = watchesMemory ? await server.memoryBytes() : null
  return { ...observed, memoryGrowthBytes: before === null || after === null ? null : after - before }
}

function isAlone({ upstreams, faults, checks }: TestCase): boolean {
  return (
    upstreams.length > 0 ||
    faults.some(({ kind }) => kind === 'restart') ||
    checks.some(({ judge }) => judge.kind === 'median')
  )
}

async function eachOf<T>(
  items: readonly T[],
  atOnce: number,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items]
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined && !signal.aborted; item = left.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}

function foreignServer(url: string): TestedServer {
  return {
    url,
    async token() {
      const token = process.env['STREAMSTACK_TEST_TOKEN'] ?? ''
      if (token !== '') return token
      throw new Error('A test has a `caller`. Set STREAMSTACK_TEST_TOKEN to a token of the server under --url.')
    },
    async memoryBytes() {
      return null
    },
  }
}
