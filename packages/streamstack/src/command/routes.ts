import type { Command } from 'commander'
import { type ChannelDeclaration, isForAnybody } from '../channel/index.ts'
import type { AccessDeclaration } from '../definition/index.ts'
import { type CompiledWorkspace, WorkspaceError, compileWorkspace } from '../engine/index.ts'
import { routeDescriptions } from '../http/index.ts'
import { readWorkspace } from '../workspace/index.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { placed } from './issue-lines.ts'
import { textTable } from './text-table.ts'
import { workspaceDir } from './workspace-dir.ts'

interface RoutesOptions {
  all?: true
  json?: true
}

/** One line of the list. */
interface ListedRoute {
  /** `channel` for channels. */
  readonly method: string
  readonly path: string
  /** Required rights: `anyone`, `token`, or the roles and scopes of which one is needed. */
  readonly access: string
  /** Where it is declared; null: the server's own. */
  readonly file: string | null
  readonly description: string | null
}

/** `routes`: what a workspace answers to. Reads files alone. */
export function addRoutes(program: Command, io: CommandIo): void {
  program
    .command('routes')
    .description('List the endpoints and channels of a workspace: method, path, who may call, and the file.')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('--all', "with the server's own routes")
    .option('--json', 'print a JSON list')
    .action((dir: string | undefined, options: RoutesOptions) => routes(io, dir, options))
}

async function routes(io: CommandIo, named: string | undefined, options: RoutesOptions): Promise<void> {
  const { path, prefix } = workspaceDir(io, named)
  const files = await readWorkspace(path, io.env)
  const compiled = compileWorkspace(files, null)
  if (compiled.settings === null) throw new WorkspaceError(compiled.issues.map((issue) => placed(issue, prefix)))
  const listed = [...declaredRoutes(compiled, prefix), ...(options.all === true ? ownRoutes() : [])]
  if (options.json === true) {
    io.stdout.write(`${JSON.stringify(listed, null, 2)}\n`)
    return
  }
  const { dim, bold } = colorsOf(io.stdout, io.env)
  const rows = listed.map((one) => [one.method, one.path, one.access, one.file ?? '', one.description ?? ''])
  for (const line of textTable(['METHOD', 'PATH', 'ACCESS', 'FILE', ''], rows, {
    head: bold,
    last: dim,
    widthMax: Infinity,
  })) {
    io.stdout.write(`${line}\n`)
  }
  const broken = files.endpointFiles.length - compiled.plans.size
  if (broken > 0) {
    const { red } = colorsOf(io.stderr, io.env)
    io.stderr.write(red(`${broken} of ${files.endpointFiles.length} endpoint files have an error: see \`check\`.\n`))
    io.setExitCode(1)
  }
}

function declaredRoutes({ plans, channels }: CompiledWorkspace, prefix: string): readonly ListedRoute[] {
  const endpoints = [...plans.values()].map(({ endpoint }) => ({
    method: endpoint.method,
    path: endpoint.path,
    access: accessText(endpoint.access),
    file: prefix + endpoint.file,
    description: endpoint.description,
  }))
  const declared = channels.channels.map(({ pattern, publish, subscribe, position, description }) => ({
    method: 'channel',
    path: pattern.text,
    access: `publish: ${ruleText(publish)}, subscribe: ${ruleText(subscribe)}`,
    file: prefix + position.file,
    description,
  }))
  return [
    ...endpoints.toSorted((a, b) => a.path.localeCompare(b.path, 'en') || a.method.localeCompare(b.method, 'en')),
    ...declared,
  ]
}

function ruleText(rule: ChannelDeclaration['publish']): string {
  if (rule === null) return 'steps only'
  if (isForAnybody(rule)) return 'anyone'
  const access = accessText(rule.access)
  return rule.when === null ? access : access === 'anyone' ? 'by condition' : `${access}, by condition`
}

function accessText({ authentication, roles, scopes }: AccessDeclaration): string {
  const needed = [roles.join(' | '), scopes.join(' | ')].filter((text) => text !== '')
  if (needed.length > 0) return needed.join(' and ')
  return authentication ? 'token' : 'anyone'
}

function ownRoutes(): readonly ListedRoute[] {
  return routeDescriptions.map(({ method, path, right, summary }) => ({
    method,
    path,
    access: typeof right === 'string' ? right : right.join(' and '),
    file: null,
    description: summary,
  }))
}
