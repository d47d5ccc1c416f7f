import type { Instance } from 'find-my-way'
import {
  type EndpointDefinition,
  type FunctionFile,
  type Issue,
  duplicateRoutes,
  normalizeEndpoint,
  normalizeFunctionFile,
  routeOf,
  routesInText,
} from '../definition/index.ts'
import { ownSigner } from '../access/index.ts'
import { ChannelTable, asksForToken, readChannel } from '../channel/index.ts'
import { withConversationTables } from '../conversation/index.ts'
import { type DashboardDefinition, readDashboard } from '../dashboard/index.ts'
import { functions } from '../functions/index.ts'
import { inspectInputs } from '../input/index.ts'
import { type Plan, type PlanContext, compileFunctions, compilePlan } from '../plan/index.ts'
import { placeholderKey, providerKeyNames } from '../provider/index.ts'
import { type TableDeclaration, readTable } from '../table/index.ts'
import type { Settings, WorkspaceFiles } from '../workspace/index.ts'
import { withFunctionResponses } from './function-responses.ts'
import { BrokenEndpoint } from './broken-endpoint.ts'
import { routerOf } from './endpoint-router.ts'

/** A workspace ready to serve: what could be compiled, and every problem. */
export interface CompiledWorkspace {
  readonly settings: Settings
  readonly env: Readonly<Record<string, string>>
  readonly tables: readonly TableDeclaration[]
  readonly channels: ChannelTable
  /** By name; steps run them. */
  readonly functionFiles: ReadonlyMap<string, FunctionFile>
  /** By name. */
  readonly dashboards: ReadonlyMap<string, DashboardDefinition>
  /** By file. */
  readonly plans: ReadonlyMap<string, Plan>
  /** Routes lead to a Plan or a BrokenEndpoint. */
  readonly router: Instance<never>
  readonly issues: readonly Issue[]
}

const definitions = new Map(functions.map((definition) => [definition.name, definition]))

/**
 * Compiles what was read. An endpoint whose file is broken keeps the plan it had in `previous`; the issues say so. `keptTables` stand in for the
 * declarations of their files. Null: the settings are broken, nothing can be served.
 */
export function compileWorkspace(
  files: WorkspaceFiles,
  previous: CompiledWorkspace | null,
  keptTables: readonly TableDeclaration[] = [],
): CompiledWorkspace | { settings: null; issues: readonly Issue[] } {
  const issues: Issue[] = [...files.issues]
  const settings = files.settings ?? previous?.settings ?? null
  if (settings === null) return { settings: null, issues }
  const tables = tablesOf(files, readTables(files, previous?.tables ?? [], keptTables, issues), issues)
  const channels = readChannels(files, settings, previous?.channels ?? null, issues)
  const functionFiles = readFunctionFiles(files, issues)
  const callable = new Map(functionFiles.map((file) => [file.name, file]))
  const context: PlanContext = {
    definitions,
    functionFiles: callable,
    tables: new Map(tables.map((table) => [table.name, table])),
    channels,
    signsTokens: ownSigner(settings.auth.jwt) !== null,
    variables: settings.variables,
    env: Object.fromEntries(
      [...providerKeyNames, ...settings.envNames].map((name) => [
        name,
        files.env[name] ?? placeholderKey(name, settings.outbound.rewrite),
      ]),
    ),
  }
  const library = compileFunctions(functionFiles, context)
  issues.push(...library.issues)
  const { endpoints, routes } = readEndpoints(files, callable, issues)
  const candidates = new Map<string, Plan>()
  for (const { file } of files.endpointFiles) {
    const endpoint = endpoints.find((one) => one.file === file)
    const compiled = endpoint === undefined ? null : compilePlan(endpoint, library, context)
    if (compiled !== null) issues.push(...compiled.issues)
    const plan = compiled?.plan ?? previous?.plans.get(file)
    if (plan !== undefined && plan !== null) candidates.set(file, plan)
  }
  const plans = withoutDuplicates(candidates, previous?.plans ?? new Map(), issues)
  const broken = files.endpointFiles.flatMap((read) =>
    plans.has(read.file) ? [] : (routes.get(read.file) ?? []).map((route) => new BrokenEndpoint(read, route, issues)),
  )
  const router = routerOf(plans, broken)
  const dashboards = readDashboards(files, { plans, channels }, previous?.dashboards ?? new Map(), issues)
  return {
    settings,
    env: files.env,
    tables,
    channels,
    dashboards,
    functionFiles: callable,
    plans,
    router,
    issues: distinct(issues),
  }
}

/**
 * One plan for each route. The file that serves a route keeps it; a file that asks for it too goes on with the plan that it
 * had, where that has still a route to itself.
 */
function withoutDuplicates(
  candidates: ReadonlyMap<string, Plan>,
  previous: ReadonlyMap<string, Plan>,
  issues: Issue[],
): ReadonlyMap<string, Plan> {
  const holders = new Map([...previous].map(([file, { endpoint }]) => [routeOf(endpoint), file]))
  const plans = new Map(candidates)
  for (;;) {
    const duplicates = duplicateRoutes(
      [...plans.values()].map(({ endpoint }) => endpoint),
      holders,
    )
    if (duplicates.length === 0) return plans
    issues.push(...duplicates)
    for (const { position } of duplicates) {
      const before = previous.get(position.file)
      if (before === undefined || before === plans.get(position.file)) plans.delete(position.file)
      else plans.set(position.file, before)
    }
  }
}

/** Returns the declared tables, plus the tables for conversations if any stack uses them. */
function tablesOf(
  { endpointFiles, functionFiles }: WorkspaceFiles,
  tables: readonly TableDeclaration[],
  issues: Issue[],
): readonly TableDeclaration[] {
  const hasConversations = [...endpointFiles, ...functionFiles].some(
    ({ tree }) => tree !== null && /conversation|append message/i.test(JSON.stringify(tree.value)),
  )
  if (!hasConversations) return tables
  const found = withConversationTables(tables)
  issues.push(...found.issues)
  return found.tables
}

/** A table whose file is broken keeps the declaration it had: runs of kept plans go on reading it. */
function readTables(
  files: WorkspaceFiles,
  previous: readonly TableDeclaration[],
  kept: readonly TableDeclaration[],
  issues: Issue[],
): TableDeclaration[] {
  const tables: TableDeclaration[] = []
  for (const { file, tree } of files.tableFiles) {
    const read = tree === null ? null : readTable(baseName(file), tree)
    issues.push(...(read?.issues ?? []))
    const ofFile = ({ position }: TableDeclaration): boolean => position.file === file
    const table = kept.find(ofFile) ?? read?.table ?? previous.find(ofFile)
    if (table !== undefined) tables.push(table)
  }
  return tables
}

/** A channel whose file is broken keeps the declaration it had. */
function readChannels(
  files: WorkspaceFiles,
  settings: Settings,
  previous: ChannelTable | null,
  issues: Issue[],
): ChannelTable {
  const read = files.channelFiles.map(({ file, tree }) => ({
    file,
    read: tree === null ? null : readChannel(file, tree),
  }))
  const checked = read.map((one) => {
    const channel = one.read?.channel ?? null
    if (one.read === null || channel === null) return one
    if (channel.delivery === 'durable' && settings.streams.log === 'memory') {
      const message =
        '`delivery: durable` keeps messages on disk, and `streams.log` in streamstack.yaml is memory; set it to sqlite.'
      return {
        ...one,
        read: { ...one.read, channel: null, issues: [...one.read.issues, error(message, channel.position)] },
      }
    }
    if (!checksTokens(settings) && asksForToken(channel)) {
      const message =
        'The channel wants a token, and neither `auth.jwt` nor `auth.keys` is set in streamstack.yaml: callers that need one are refused until one is.'
      issues.push({ severity: 'warning', message, position: channel.position })
    }
    return one
  })
  return ChannelTable.of(checked, previous, issues)
}

/** A dashboard whose file is broken keeps the description it had. */
function readDashboards(
  files: WorkspaceFiles,
  { plans, channels }: Pick<CompiledWorkspace, 'plans' | 'channels'>,
  previous: ReadonlyMap<string, DashboardDefinition>,
  issues: Issue[],
): ReadonlyMap<string, DashboardDefinition> {
  const found = new Map<string, DashboardDefinition>()
  const known = {
    endpoints: [...plans.values()].map(({ endpoint }) => `${endpoint.method} ${endpoint.path}`),
    channels: channels.channels.map(({ pattern }) => pattern.text),
    hasChannel: (name: string) => channels.has(name),
  }
  for (const { file, tree } of files.dashboardFiles) {
    const read = tree === null ? null : readDashboard(file, tree, known)
    issues.push(...(read?.issues ?? []))
    const dashboard = read?.dashboard ?? [...previous.values()].find((one) => one.file === file)
    if (dashboard === undefined) continue
    const other = found.get(dashboard.name)
    if (other === undefined) found.set(dashboard.name, dashboard)
    else {
      const message = `The dashboard '${dashboard.name}' stands in ${other.file} already; rename one of the two files.`
      issues.push(error(message, dashboard.position))
    }
  }
  return found
}

function error(message: string, position: Issue['position']): Issue {
  return { severity: 'error', message, position }
}

function readFunctionFiles(files: WorkspaceFiles, issues: Issue[]): FunctionFile[] {
  const found = new Map<string, FunctionFile>()
  for (const { file, tree } of files.functionFiles) {
    if (tree === null) continue
    const read = normalizeFunctionFile(tree, file, functions)
    issues.push(...read.issues)
    if (read.function === null) continue
    const { name } = read.function
    const other = found.get(name)
    if (other === undefined) found.set(name, read.function)
    else {
      issues.push({
        severity: 'error',
        message: `The function '${name}' stands in ${other.file} already; rename one of the two files.`,
        position: read.function.position,
      })
    }
  }
  return [...found.values()]
}

/** Endpoints without a fault, and the routes of all valid and broken endpoint files. */
function readEndpoints(
  files: WorkspaceFiles,
  functionFiles: ReadonlyMap<string, FunctionFile>,
  issues: Issue[],
): { endpoints: EndpointDefinition[]; routes: ReadonlyMap<string, readonly Route[]> } {
  const endpoints: EndpointDefinition[] = []
  const routes = new Map<string, readonly Route[]>()
  for (const { file, text, tree } of files.endpointFiles) {
    if (tree === null) {
      routes.set(file, routesInText(text))
      continue
    }
    const read = normalizeEndpoint(tree, file, functions)
    issues.push(...read.issues)
    if (read.route !== null) routes.set(file, [read.route])
    if (read.endpoint === null) continue
    const faults = inspectInputs(read.endpoint.inputs)
    if (read.endpoint.access.authentication && files.settings !== null && !checksTokens(files.settings)) {
      issues.push({
        severity: 'warning',
        message:
          'The endpoint wants a token, and neither `auth.jwt` nor `auth.keys` is set in streamstack.yaml: every call is refused until one is.',
        position: read.endpoint.position,
      })
    }
    if (read.endpoint.delivery === 'durable' && files.settings?.streams.log === 'memory') {
      faults.push({
        severity: 'error',
        message:
          '`delivery: durable` keeps chunks on disk, and `streams.log` in streamstack.yaml is memory; set it to sqlite.',
        position: read.endpoint.position,
      })
    }
    issues.push(...faults)
    if (!faults.some(({ severity }) => severity === 'error'))
      endpoints.push(withFunctionResponses(read.endpoint, tree, functionFiles))
  }
  return { endpoints, routes }
}

type Route = Pick<EndpointDefinition, 'method' | 'path'>

/** A value that is compiled twice, for its use and for a check, tells its problems twice. */
function distinct(issues: readonly Issue[]): Issue[] {
  const found = new Map<string, Issue>()
  for (const issue of issues) found.set(JSON.stringify(issue), issue)
  return [...found.values()]
}

function baseName(file: string): string {
  return (file.split('/').at(-1) as string).replace(/\.[^.]+$/, '')
}

function checksTokens({ auth }: Settings): boolean {
  return auth.jwt.length > 0 || auth.keys.length > 0
}
