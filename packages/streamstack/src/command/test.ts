import { watch, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { coverageLines, junitXml, readTests, recordTest, resultLines, runTests } from '../test/index.ts'
import { collected } from './collected.ts'
import { CommandFailure } from './failure.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { counted, issueLines } from './issue-lines.ts'
import { type WorkspaceDir, workspaceDir } from './workspace-dir.ts'

interface TestOptions {
  filter?: string
  url?: string
  junit?: string
  workers: string
  watch?: true
  coverage: boolean
  record?: string
  input?: string
  sub?: string
  role: readonly string[]
  scope: readonly string[]
}

const WORKERS = Math.min(4, availableParallelism())

/** Changes that come together are one. */
const SETTLE_MS = 100

/** `test`: the files of `tests/`, each call over HTTP against a server in a process of its own. */
export function addTest(program: Command, io: CommandIo): void {
  program
    .command('test')
    .description('Run the tests of a workspace: calls, their chunks, times and endings, also under faults.')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('-f, --filter <text>', 'only tests whose file or name contains the text')
    .option('--url <url>', 'test a server that is running; its tokens come from STREAMSTACK_TEST_TOKEN')
    .option('--junit <file>', 'write the results as JUnit XML, too')
    .option('--workers <n>', 'calls at once; tests of times, upstreams and restarts run alone', String(WORKERS))
    .option('--no-coverage', 'do not list the steps that no test has run')
    .option('-w, --watch', 'run again when a file of the workspace changes')
    .addOption(new Option('--record <call>', 'make a test of one real call, such as "POST /api/chat"'))
    .option('--input <json>', 'with --record: the body of the call')
    .option('--sub <subject>', 'with --record: call with a token of this subject')
    .option('--role <role>', 'with --record: a role of the token; repeatable', collected, [])
    .option('--scope <scope>', 'with --record: a scope of the token; repeatable', collected, [])
    .addHelpText('after', '\nExit code 0 when all tests pass, 1 otherwise. How tests are written: docs/testing.md.')
    .action((dir: string | undefined, options: TestOptions) => test(io, workspaceDir(io, dir), options))
}

async function test(io: CommandIo, dir: WorkspaceDir, options: TestOptions): Promise<void> {
  if (options.record !== undefined) return await record(io, dir, options.record, options)
  io.setExitCode((await runOnce(io, dir, options)) ? 0 : 1)
  if (options.watch !== true) return
  io.stdout.write('Waiting for changes. Ctrl-C stops.\n')
  for await (const changed of changes(dir.path, io.signal)) {
    io.stdout.write(`\n${changed} changed\n`)
    io.setExitCode((await runOnce(io, dir, options)) ? 0 : 1)
  }
}

/** Whether all tests passed. */
async function runOnce(io: CommandIo, dir: WorkspaceDir, options: TestOptions): Promise<boolean> {
  const colors = colorsOf(io.stdout, io.env)
  const files = readTests(dir.path)
  const issues = files.flatMap((file) => file.issues)
  for (const line of issueLines(issues, dir.prefix, colors)) io.stdout.write(`${line}\n`)
  if (issues.some(({ severity }) => severity === 'error')) return false
  if (files.length === 0) {
    throw new CommandFailure(
      'The workspace has no tests. Write one into its folder tests/, or make one: `streamstack test --record "POST /api/chat"`.',
    )
  }
  const workers = Number(options.workers)
  if (!Number.isSafeInteger(workers) || workers < 1)
    throw new CommandFailure('--workers must be a whole number of at least 1.')
  const run = await runTests({
    dir: dir.path,
    files,
    filter: options.filter ?? null,
    workers,
    url: options.url ?? null,
    signal: io.signal,
    onResult: (result) => io.stdout.write(`${resultLines(result, colors).join('\n')}\n`),
  }).catch((error: unknown) => {
    throw new CommandFailure((error as Error).message, { cause: error })
  })
  if (options.junit !== undefined) writeFileSync(resolve(io.cwd, options.junit), junitXml(run))
  if (options.coverage)
    io.stdout.write(
      coverageLines(run.coverage, colors)
        .map((line) => `${line}\n`)
        .join(''),
    )
  const failed = run.results.filter(({ failures }) => failures.length > 0).length
  const passed = run.results.length - failed
  io.stdout.write(`${colors.bold(`${counted(passed, 'test')} passed, ${failed} failed`)}\n`)
  if (run.results.length === 0) throw new CommandFailure(`No test matches ${JSON.stringify(options.filter ?? '')}.`)
  return failed === 0
}

async function record(io: CommandIo, dir: WorkspaceDir, call: string, options: TestOptions): Promise<void> {
  const { input, sub, role, scope } = options
  const [, method, path] = /^(GET|POST|PUT|PATCH|DELETE) (\/\S*)$/i.exec(call.trim()) ?? []
  if (method === undefined || path === undefined) {
    throw new CommandFailure(
      `--record must be method and path, such as "POST /api/chat"; it is ${JSON.stringify(call)}.`,
    )
  }
  if (input !== undefined) parsed(input)
  const isAnonymous = sub === undefined && role.length === 0 && scope.length === 0
  const caller = {
    sub: sub ?? 'tester',
    ...(role.length > 0 && { roles: role }),
    ...(scope.length > 0 && { scopes: scope }),
  }
  const { file, status, error } = await recordTest({
    dir: dir.path,
    method: method.toUpperCase(),
    path,
    body: input ?? null,
    caller: isAnonymous ? null : caller,
  }).catch((error: unknown) => {
    throw new CommandFailure((error as Error).message, { cause: error })
  })
  io.stdout.write(`${join(dir.prefix, file)} expects what came. Change what may differ from call to call.\n`)
  if (error !== null)
    io.stdout.write(`The call ended with status ${status} and the error ${error}; the test expects both.\n`)
}

function parsed(input: string): void {
  try {
    JSON.parse(input)
  } catch (error) {
    throw new CommandFailure(`--input is not JSON: ${(error as Error).message}.`)
  }
}

/** Names of files that changed, one for each burst of changes. */
async function* changes(dir: string, signal: AbortSignal): AsyncGenerator<string> {
  let wake: (() => void) | null = null
  let changed: string | null = null
  const watcher = watch(dir, { recursive: true, signal }, (_event, name) => {
    if (name === null || /(?:^|[\\/])\.|node_modules/.test(name)) return
    changed ??= name
    setTimeout(() => wake?.(), SETTLE_MS)
  })
  watcher.on('error', () => wake?.())
  signal.addEventListener('abort', () => wake?.(), { once: true })
  while (!signal.aborted) {
    if (changed === null) await new Promise<void>((resolve) => (wake = resolve))
    if (changed !== null) {
      const name: string = changed
      changed = null
      yield name
    }
  }
}
