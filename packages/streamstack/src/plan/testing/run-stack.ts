import { type Value, isTextKind } from '@streamstack/protocol'
import { ChannelTable } from '../../channel/index.ts'
import { type Issue, normalizeEndpoint, normalizeFunctionFile, parseTree } from '../../definition/index.ts'
import { functions } from '../../functions/index.ts'
import {
  type Frame,
  type Program,
  Run,
  type RunLimits,
  type RunState,
  type Services,
  type TraceSink,
  newRunState,
} from '../../run/index.ts'
import { MemoryLog, Stream } from '../../stream/index.ts'
import { type Plan, type PlanContext, compileFunctions, compilePlan } from '../index.ts'

const definitions = new Map(functions.map((definition) => [definition.name, definition]))

/** Compiles a stack, and function files by name, as a workspace does. */
export function planOf(
  stack: readonly unknown[],
  functionFiles: Readonly<Record<string, unknown>> = {},
): { plan: Plan | null; issues: readonly Issue[] } {
  const issues: Issue[] = []
  const files = Object.entries(functionFiles).flatMap(([name, file]) => {
    const path = `functions/${name}.json`
    const { tree } = parseTree(path, JSON.stringify(file))
    if (tree === null) throw new Error(`${path} is broken`)
    const read = normalizeFunctionFile(tree, path, functions)
    issues.push(...read.issues)
    return read.function === null ? [] : [read.function]
  })
  const context: PlanContext = {
    definitions,
    functionFiles: new Map(files.map((file) => [file.name, file])),
    tables: new Map(),
    channels: ChannelTable.empty,
    signsTokens: false,
    variables: {},
    env: {},
  }
  const library = compileFunctions(files, context)
  const { tree } = parseTree('endpoints/e.json', JSON.stringify({ function_stack: stack }))
  if (tree === null) throw new Error('the endpoint is broken')
  const { endpoint, issues: faults } = normalizeEndpoint(tree, 'endpoints/e.json', functions)
  issues.push(...library.issues, ...faults)
  if (endpoint === null) return { plan: null, issues }
  const compiled = compilePlan(endpoint, library, context)
  return { plan: compiled.plan, issues: [...issues, ...compiled.issues] }
}

const limits: RunLimits = {
  maxDurationMs: 10_000,
  maxChunks: 100_000,
  maxBytes: 100_000_000,
  maxIterations: 100_000,
  maxStackDepth: 16,
}

const silent = (): void => undefined

/** Stacks in these tests reach nothing outside themselves. */
const services = {
  recordsFor: () => ({}),
  outbound: {},
  log: { debug: silent, info: silent, warn: silent, error: silent },
} as unknown as Services

export interface FinishedRun {
  /** Contents of the chunks, in order. */
  contents: Value[]
  outcome: string
  message: string | null
}

/** Runs a frame, or a whole state, to its end. */
export function runFrame(
  programs: ReadonlyMap<string, Program>,
  from: Frame | RunState,
  options: { trace?: TraceSink; onRun?: (run: Run) => void } = {},
): Promise<FinishedRun> {
  const stream = new Stream({ log: new MemoryLog(4_000_000), whenUnread: 'drop', unreadBytesMax: 2_000_000 })
  const state =
    'slots' in from ? newRunState({ id: 'test', endpoint: 'e', plan: 'plan', options: null, frame: from }) : from
  const run = new Run({ state, programs, stream, services, auth: null, limits })
  if (options.trace !== undefined) run.trace = options.trace
  options.onRun?.(run)
  return new Promise((resolve) => {
    stream.onEnd(() => {
      resolve({
        contents: contentsOf(stream),
        outcome: stream.end?.outcome ?? '',
        message: stream.end?.error?.message ?? null,
      })
    })
    run.start()
  })
}

function contentsOf(stream: Stream): Value[] {
  const contents: Value[] = []
  for (;;) {
    const batch = stream.log.read(contents.length)
    if (batch === null || batch instanceof Promise) return contents
    for (const chunk of batch.chunks.slice(batch.from, batch.to)) {
      if (chunk.kind === 'error') return contents
      contents.push(isTextKind(chunk.kind) ? chunk.data : (JSON.parse(chunk.data) as Value))
    }
  }
}
