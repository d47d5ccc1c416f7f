import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Encoder, type FormatName, StreamstackError, type Value, formats } from '@streamstack/protocol'
import { type Command, Option } from 'commander'
import type { HTTPMethod } from 'find-my-way'
import { type AuthClaims, authorize, toAuthClaims } from '../access/index.ts'
import { BrokenEndpoint, Engine, type LiveRun } from '../engine/index.ts'
import { WholeResult, encoderFor } from '../format/index.ts'
import { askedOptions, startServer } from '../http/index.ts'
import { parseBody } from '../input/index.ts'
import { type Plan, checkCallRule } from '../plan/index.ts'
import type { TraceEvent } from '../run/index.ts'
import { collect } from '../stream/reading.ts'
import { formatIssue } from '../workspace/index.ts'
import { didYouMean, suggest } from '../text/did-you-mean.ts'
import { compareRuns, optionOf, parseComparison } from './compare-runs.ts'
import { CommandFailure } from './failure.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { placed } from './issue-lines.ts'
import { openEngine } from './open-engine.ts'
import { seedTables } from './seed-tables.ts'
import { TerminalReader } from './terminal-reader.ts'
import { terminalLog } from './terminal-log.ts'
import { type WorkspaceDir, workspaceDir } from './workspace-dir.ts'

interface RunOptions {
  input?: string
  format: FormatName
  auth?: string
  trace?: true
  compare?: string
  data?: string
}

/** The largest whole result that `--format json` collects. */
const RESULT_BYTES_MAX = 256 * 1024 * 1024

const formatNames = Object.keys(formats)

/** `run`: one call of an endpoint, streamed to the terminal, without a server. */
export function addRun(program: Command, io: CommandIo): void {
  program
    .command('run')
    .description('Call an endpoint without a server and stream its answer to the terminal.')
    .argument('<method>', 'GET, POST, PUT, PATCH or DELETE')
    .argument('<path>', 'the path as a client calls it: /api/users/7?detail=full')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('--input <json>', 'the inputs as JSON, or @file to read them from a file')
    .addOption(new Option('--format <format>', 'how chunks are written').choices(formatNames).default('lines'))
    .option(
      '--auth <json>',
      'the claims of the caller, for endpoints that want a token: \'{"sub":"ada","roles":["admin"]}\'',
    )
    .option('--trace', 'tell on stderr when each step starts and ends')
    .option(
      '--compare <option=values>',
      'run once for each value of an option and show them side by side: chunk_size=1,5,10',
    )
    .option('--data <folder>', "instead of the workspace's own data folder")
    .addHelpText(
      'after',
      `\nExit code 0 when the run completed, else 1 with the reason on stderr. Ctrl-C cancels the run.

Example:
  streamstack run POST /api/stream-chat my-api --input '{"message":"Hello"}'`,
    )
    .action((method: string, path: string, dir: string | undefined, options: RunOptions) =>
      runEndpoint(io, workspaceDir(io, dir), { method, path }, options),
    )
}

async function runEndpoint(
  io: CommandIo,
  dir: WorkspaceDir,
  target: { method: string; path: string },
  options: RunOptions,
): Promise<void> {
  const { signal } = io
  const engine = await openEngine(io, dir, { log: terminalLog(io), data: options.data, mode: 'dev' })
  try {
    await seedTables(io, engine, dir)
    const comparison = options.compare === undefined ? null : parseComparison(options.compare)
    const overs = comparison?.values.map((value) => optionOf(comparison, value)) ?? [{}]
    const prepared = []
    for (const over of overs) prepared.push(await prepare(io, engine, dir, target, options, over))
    const lives = prepared.map(({ live }) => live)
    const [{ live, includesMetadata }] = prepared as [Prepared, ...Prepared[]]
    // An endpoint may call its own server; then there must be one.
    const server = engine.settings.outbound.allow.includes('self')
      ? await startServer({ engine, host: '127.0.0.1', port: 0 })
      : null
    const cancel = (): void => {
      for (const one of lives) one.cancel('It was stopped at the terminal.')
    }
    signal.addEventListener('abort', cancel, { once: true })
    try {
      if (comparison !== null) {
        await compareRuns(io, comparison, lives)
        for (const one of lives) tellOutcome(io, one, dir)
        return
      }
      const encoder = encoderFor(live, options.format, { metadata: includesMetadata })
      if (encoder.waits) await collectWhole(io, live, encoder)
      else if (!(await write(io, live, encoder))) return io.setExitCode(1)
    } finally {
      signal.removeEventListener('abort', cancel)
      await server?.close()
    }
    tellOutcome(io, live, dir)
  } finally {
    await engine.close()
  }
}

interface Prepared {
  readonly live: LiveRun
  readonly includesMetadata: boolean
}

/** Finds the endpoint and makes the run as a call over HTTP would: the caller first, then the inputs. */
async function prepare(
  io: CommandIo,
  engine: Engine,
  dir: WorkspaceDir,
  target: { method: string; path: string },
  options: RunOptions,
  over: Readonly<Record<string, Value>>,
): Promise<Prepared> {
  const [path = '', ...query] = target.path.split('?')
  const { plan, pathParameters } = findPlan(
    engine,
    dir,
    target.method.toUpperCase(),
    path.startsWith('/') ? path : `/${path}`,
  )
  const claims = claimsOf(engine, plan, options.auth)
  const sources = {
    path: pathParameters,
    query: new URLSearchParams(query.join('?')),
    body: options.input === undefined ? {} : parseBody(await inputBytes(io, options.input), 'application/json'),
  }
  const inputs = plan.inputs.check(sources)
  checkCallRule(plan.rule, { auth: claims, inputs }, (error) =>
    engine.log.warn({ err: error }, 'the rule of the endpoint failed'),
  )
  const asked = askedOptions(plan, sources, inputs, over)
  const live = engine.runs.prepare(plan, engine.settings, {
    inputs,
    auth: claims,
    options: asked.shape,
    owner: null,
    // Another process may be serving this workspace, and the streams of its data folder are that one's.
    delivery: 'memory',
    ...(options.trace === true ? { trace: traceTo(io) } : {}),
  })
  return { live, includesMetadata: asked.includeMetadata }
}

function findPlan(
  engine: Engine,
  dir: WorkspaceDir,
  method: string,
  path: string,
): { plan: Plan; pathParameters: Record<string, string> } {
  const { router, plans, issues } = engine.workspace
  const found = /^(?:GET|POST|PUT|PATCH|DELETE)$/.test(method) ? router.find(method as HTTPMethod, path) : null
  if (found !== null && !((found.store as unknown) instanceof BrokenEndpoint)) {
    return { plan: found.store as Plan, pathParameters: found.params as Record<string, string> }
  }
  const routes = [...plans.values()].map(({ endpoint }) => `${endpoint.method} ${endpoint.path}`)
  const guess = didYouMean(`${method} ${path}`, routes) ?? routes.find((route) => route.endsWith(` ${path}`))
  const broken = issues
    .filter(({ severity }) => severity === 'error')
    .map((issue) => formatIssue(placed(issue, dir.prefix)))
  const cure =
    broken.length > 0
      ? `Some definitions are broken:\n${broken.join('\n')}`
      : guess === undefined
        ? `There are: ${routes.join(', ')}.`
        : suggest(guess)
  throw new CommandFailure(`There is no endpoint ${method} ${path}. ${cure}`)
}

function claimsOf(engine: Engine, { endpoint }: Plan, auth: string | undefined): AuthClaims | null {
  if (!endpoint.access.authentication && auth === undefined) return null
  if (auth === undefined) {
    throw new CommandFailure(
      `${endpoint.method} ${endpoint.path} wants a token; say who calls with --auth '{"sub":"ada","roles":[]}'.`,
    )
  }
  let payload: unknown
  try {
    payload = JSON.parse(auth)
  } catch {
    payload = null
  }
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw new CommandFailure(`--auth must be a JSON object of claims, such as '{"sub":"ada"}'; it is '${auth}'.`)
  }
  const claims = toAuthClaims(payload as Record<string, Value>, engine.settings.auth.jwt[0]?.roleClaim ?? null)
  authorize(endpoint.access, claims)
  return claims
}

async function inputBytes(io: CommandIo, input: string): Promise<Buffer> {
  if (!input.startsWith('@')) return Buffer.from(input)
  try {
    return await readFile(resolve(io.cwd, input.slice(1)))
  } catch (error) {
    throw new CommandFailure(
      `The file ${input.slice(1)} of --input cannot be read (${(error as NodeJS.ErrnoException).code}).`,
    )
  }
}

/** False: the reader of the output has closed it, so nothing more is written. */
async function write(io: CommandIo, live: LiveRun, encoder: Encoder): Promise<boolean> {
  const reader = new TerminalReader(live, encoder, io.stdout)
  live.execution.start()
  reader.begin()
  await reader.done
  // When the output went away, the run is being cancelled, which takes a moment.
  await ended(live)
  return !reader.outputIsGone
}

/** The whole result at the end. */
async function collectWhole(io: CommandIo, live: LiveRun, encoder: Encoder): Promise<void> {
  const result = new WholeResult(encoder, RESULT_BYTES_MAX)
  const { execution, stream } = live
  const collection = collect({
    source: live,
    position: 0,
    until: 'end',
    record: null,
    take: (batch, select) => {
      try {
        result.add(stream, batch, select)
      } catch (error) {
        // Told with the outcome. What has to be read meanwhile is read, so that the run is never held up.
        if (!(error instanceof StreamstackError)) throw error
        execution.cancel(error.message)
      }
    },
  })
  execution.start()
  collection.begin()
  const { end } = await collection.done
  if (end !== null) for (const part of [...result.document(end), '\n']) io.stdout.write(part)
}

function ended({ stream }: LiveRun): Promise<void> {
  return new Promise((resolve) => stream.onEnd(resolve))
}

function tellOutcome(io: CommandIo, { execution: run }: LiveRun, dir: WorkspaceDir): void {
  const outcome = run.stream.end?.outcome
  if (outcome === 'completed') return
  io.setExitCode(1)
  const { red } = colorsOf(io.stderr, io.env)
  const step = run.failedStep
  const place = step === null ? '' : `${dir.prefix}${step.position.file}:${step.position.line}:${step.position.column} `
  const where = step === null ? '' : ` (${step.function}, step ${step.id})`
  const code = run.failure === null ? '' : ` [${run.failure.code}]`
  io.stderr.write(
    `${place}${red(`${outcome ?? 'ended'}:`)} ${run.failure?.message ?? 'The run ended.'}${where}${code}\n`,
  )
}

function traceTo(io: CommandIo): (event: TraceEvent) => void {
  const { dim } = colorsOf(io.stderr, io.env)
  return ({ event, program, step, function: name, loop, at, chunks }) => {
    const where = `${program === '' ? '' : `${program}:`}${step}${loop.length === 0 ? '' : ` [${loop.join(',')}]`}`
    io.stderr.write(
      `${dim(`${at.toFixed(1).padStart(9)} ms`)} ${event.padEnd(6)} ${where}  ${name}${dim(`  ${chunks} chunks`)}\n`,
    )
  }
}
