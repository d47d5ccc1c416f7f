import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { hashId, makeApiKey, readKeyUses } from '../access/index.ts'
import { WorkspaceError } from '../engine/index.ts'
import { type WorkspaceFiles, readWorkspace, withoutKey } from '../workspace/index.ts'
import { CommandFailure } from './failure.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { placed } from './issue-lines.ts'
import { textTable } from './text-table.ts'
import { workspaceDir } from './workspace-dir.ts'

interface KeyOptions {
  role: readonly string[]
  scope: readonly string[]
  expires?: string
}

/** `key`: API keys for programs. */
export function addKey(program: Command, io: CommandIo): void {
  const key = program.command('key').description('Make, list and revoke API keys for programs that call.')
  key
    .command('create', { isDefault: true })
    .description('Make an API key. It is shown once; streamstack.yaml keeps its hash.')
    .argument('<name>', 'whose key it is: the caller is `key:<name>` in `auth.sub` and in the log', keyName)
    .option('--role <role>', 'a role that it has; repeatable', collected, [])
    .option('--scope <scope>', 'a scope that it has; repeatable', collected, [])
    .option('--expires <date>', 'the day on which it is no longer accepted, as 2027-01-31', day)
    .action((name: string, options: KeyOptions) => create(io, name, options))
  key
    .command('list')
    .description('List the API keys of a workspace, with their rights and when each was used last.')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('--data <folder>', 'the data folder of the server, if it is not the one of the settings')
    .option('--json', 'print JSON')
    .action((dir: string | undefined, options: ListOptions) => list(io, dir, options))
  key
    .command('revoke')
    .description('Remove an API key from streamstack.yaml. A running server ends what is read with it at once.')
    .argument('<name>', 'whose key it is', keyName)
    .argument('[dir]', 'the workspace folder (default: this one)')
    .action((name: string, dir: string | undefined) => revoke(io, name, dir))
}

/** Nothing but the key goes to stdout; what the settings keep of it goes to stderr. */
function create(io: CommandIo, name: string, { role, scope, expires }: KeyOptions): void {
  const { key, hash } = makeApiKey()
  const lines = [
    `hash: ${hash}`,
    ...(role.length === 0 ? [] : [`roles: ${JSON.stringify(role)}`]),
    ...(scope.length === 0 ? [] : [`scopes: ${JSON.stringify(scope)}`]),
    ...(expires === undefined ? [] : [`expires: ${expires}`]),
  ]
  io.stdout.write(`${key}\n`)
  io.stderr.write(
    `The key stands above, and nowhere else. Add to streamstack.yaml, below the auth: that may stand there already:\n\nauth:\n  keys:\n    ${name}:\n${lines.map((line) => `      ${line}\n`).join('')}`,
  )
}

interface ListOptions {
  data?: string
  json?: true
}

async function list(io: CommandIo, named: string | undefined, { data, json }: ListOptions): Promise<void> {
  const { settings } = await settingsOf(io, named)
  const uses = readKeyUses(data ?? settings.dataFolder)
  const nowMs = Date.now()
  const keys = settings.auth.keys.map(({ name, hash, roles, scopes, expiresAt }) => {
    const usedMs = uses.get(hashId(hash))
    return {
      name,
      roles,
      scopes,
      expires: expiresAt === null ? null : new Date(expiresAt * 1_000).toISOString(),
      last_used: usedMs === undefined ? null : new Date(usedMs).toISOString(),
      expired: expiresAt !== null && expiresAt * 1_000 <= nowMs,
    }
  })
  if (json === true) return void io.stdout.write(`${JSON.stringify(keys, null, 2)}\n`)
  if (keys.length === 0) {
    io.stderr.write('The workspace has no API keys. `streamstack key create <name>` makes one.\n')
    return
  }
  const rows = keys.map(({ name, roles, scopes, expires, last_used: used, expired }) => [
    name,
    roles.join(', '),
    scopes.join(', '),
    expires === null ? 'never' : expired ? `expired ${minute(expires)}` : minute(expires),
    used === null ? 'never' : minute(used),
  ])
  const { bold } = colorsOf(io.stdout, io.env)
  const lines = textTable(['name', 'roles', 'scopes', 'expires', 'last used'], rows, { head: bold })
  io.stdout.write(`${lines.join('\n')}\n`)
}

async function revoke(io: CommandIo, name: string, named: string | undefined): Promise<void> {
  const files = await settingsOf(io, named)
  const { settings, settingsText, settingsTree, dir } = files
  if (!settings.auth.keys.some((key) => key.name === name)) {
    const known = settings.auth.keys.map((key) => key.name)
    throw new CommandFailure(
      `There is no API key '${name}'. ${known.length === 0 ? 'The workspace has none.' : `There are: ${known.join(', ')}.`}`,
    )
  }
  const file = settingsTree?.position.file ?? 'streamstack.yaml'
  const changed = withoutKey(file, settingsText, name)
  if (changed === null) {
    throw new CommandFailure(
      `${file} is written so that the key cannot be taken out of it safely: remove \`auth.keys.${name}\` by hand.`,
    )
  }
  await writeFile(join(dir, file), changed)
  io.stdout.write(`${file}: the key ${name} is removed. A server that serves this folder ends what is read with it.\n`)
}

async function settingsOf(
  io: CommandIo,
  named: string | undefined,
): Promise<WorkspaceFiles & { settings: NonNullable<WorkspaceFiles['settings']> }> {
  const { path, prefix } = workspaceDir(io, named)
  const files = await readWorkspace(path, io.env)
  const { settings, issues } = files
  if (settings === null) throw new WorkspaceError(issues.map((issue) => placed(issue, prefix)))
  return { ...files, settings }
}

/** `2027-01-31 12:00` in UTC. */
function minute(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`
}

function collected(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

function keyName(value: string): string {
  if (/^[\w.-]{1,64}$/.test(value)) return value
  throw new InvalidArgumentError('Use letters, digits, dots, hyphens and underscores, at most 64.')
}

function day(value: string): string {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(value) && Number.isFinite(Date.parse(value))
  if (!isDay) throw new InvalidArgumentError('Use a day such as 2027-01-31.')
  if (Date.parse(value) <= Date.now()) throw new InvalidArgumentError('That day is over; use one to come.')
  return value
}
