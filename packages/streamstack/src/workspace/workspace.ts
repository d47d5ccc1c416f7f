import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Issue, parseTree, type TreeNode } from '../definition/index.ts'
import { type Environment, mergeEnvironment, withVariable } from './dotenv.ts'
import { misnamedFolders } from './misnamed-folders.ts'
import { readDefinitions, readText, type TreeFile } from './read-files.ts'
import type { Settings } from './checked-settings.ts'
import { keepSecret, keptSecret, lackingSecret } from './developer-secret.ts'
import { readSecretFiles } from './secret-files.ts'
import { type ReadSettings, readSettings } from './settings.ts'

/** Names under which the settings may stand; only one of them. */
export const SETTINGS_NAMES: readonly string[] = ['streamstack.yaml', 'streamstack.yml', 'streamstack.json']

/** A workspace as read from its folder: everything parsed, nothing compiled. */
export interface WorkspaceFiles {
  /** Absolute. */
  dir: string
  /** The settings file as it stands; empty: there is none. */
  settingsText: string
  /** The settings file as parsed; null: there is none, or it cannot be parsed. */
  settingsTree: TreeNode | null
  /** Null when the settings have an error: nothing can be served then. */
  settings: Settings | null
  /** Values of the declared environment names. */
  env: Readonly<Record<string, string>>
  endpointFiles: readonly TreeFile[]
  functionFiles: readonly TreeFile[]
  tableFiles: readonly TreeFile[]
  channelFiles: readonly TreeFile[]
  dashboardFiles: readonly TreeFile[]
  /** Faults of reading, parsing and settings; those of the definitions come from normalising them. */
  issues: Issue[]
}

/** Source of the token secret for a workspace that declares none: only in development. */
export interface DeveloperSecret {
  /** Whether one is generated and kept when there is none. */
  readonly generate: boolean
  /** Absolute; replaces the data folder of the settings. */
  readonly dataFolder?: string | undefined
}

/**
 * Reads a workspace. Never throws for what is in the folder: every fault is an issue and the rest is read.
 * `environment` is the process's unless given. Without `developer` a missing secret stays missing.
 */
export async function readWorkspace(
  dir: string,
  environment: Environment = process.env,
  developer: DeveloperSecret | null = null,
): Promise<WorkspaceFiles> {
  const root = resolve(dir)
  const issues: Issue[] = []
  const settingsFile = await findSettings(root, issues)
  if (!(await exists(root, 'folder'))) {
    issues.push(issueAt('.', 'The workspace folder does not exist; `streamstack init <dir>` makes one.'))
    return emptyWorkspace(root, issues)
  }
  const dotenv = (await exists(join(root, '.env'), 'file')) ? await readText(root, '.env', issues) : null
  const text = settingsFile === null ? null : await readText(root, settingsFile, issues)
  const file = settingsFile ?? 'streamstack.yaml'
  const isBlank = text !== null && text.replace(/^\s*#.*$/gm, '').trim() === ''
  const parsed = text === null || isBlank ? { tree: null, issues: [] } : parseTree(file, text)
  issues.push(...parsed.issues)
  const broken = settingsFile !== null && !isBlank && parsed.tree === null
  const place = { root, file }
  const secrets = await readSecretFiles(mergeEnvironment(dotenv ?? '', environment), parsed.tree, place)
  issues.push(...secrets.issues)
  const read = broken
    ? { settings: null, env: {}, issues: [] }
    : readWithSecret(parsed.tree, file, root, secrets.environment, developer)
  issues.push(...read.issues)
  issues.push(...(await misnamedFolders(root)))
  const endpointFiles = await readDefinitions(root, 'endpoints', issues)
  const channelFiles = await readDefinitions(root, 'channels', issues)
  if (endpointFiles === null && (channelFiles ?? []).length === 0) {
    issues.push(
      issueAt('endpoints', 'The workspace has no folder endpoints/; make it and put one file for each endpoint there.'),
    )
  }
  return {
    dir: root,
    settingsText: text ?? '',
    settingsTree: parsed.tree,
    settings: read.settings,
    env: read.env,
    endpointFiles: endpointFiles ?? [],
    functionFiles: (await readDefinitions(root, 'functions', issues)) ?? [],
    tableFiles: (await readDefinitions(root, 'tables', issues)) ?? [],
    channelFiles: channelFiles ?? [],
    dashboardFiles: (await readDefinitions(root, 'dashboards', issues)) ?? [],
    issues,
  }
}

/** Reads the settings; in place of a secret that is not set stands the one of the data folder. */
function readWithSecret(
  tree: TreeNode | null,
  file: string,
  root: string,
  environment: Environment,
  developer: DeveloperSecret | null,
): ReadSettings {
  const lacking = developer === null ? null : lackingSecret(tree, environment)
  if (developer === null || lacking === null) return readSettings(tree, file, root, environment)
  const read = (secret: string): ReadSettings => {
    const { variable } = lacking
    const filled = variable === null ? environment : withVariable(environment, variable, secret)
    return readSettings(tree, file, root, filled, secret)
  }
  // The settings name the data folder, so they are read before the secret is known.
  const folder = developer.dataFolder ?? read('0'.repeat(64)).settings?.dataFolder
  const secret = folder === undefined ? null : developer.generate ? keepSecret(folder) : keptSecret(folder)
  return secret === null ? readSettings(tree, file, root, environment) : read(secret)
}

async function findSettings(root: string, issues: Issue[]): Promise<string | null> {
  const found: string[] = []
  for (const name of SETTINGS_NAMES) {
    if (await exists(join(root, name), 'file')) found.push(name)
  }
  const [first, second] = found
  if (second !== undefined) {
    issues.push(issueAt(second, `The settings stand in ${first} already; remove one of the two files.`))
  }
  return first ?? null
}

async function exists(path: string, kind: 'file' | 'folder'): Promise<boolean> {
  return stat(path).then(
    (found) => (kind === 'file' ? !found.isDirectory() : found.isDirectory()),
    () => false,
  )
}

function emptyWorkspace(dir: string, issues: Issue[]): WorkspaceFiles {
  return {
    dir,
    settingsText: '',
    settingsTree: null,
    settings: null,
    env: {},
    endpointFiles: [],
    functionFiles: [],
    tableFiles: [],
    channelFiles: [],
    dashboardFiles: [],
    issues,
  }
}

function issueAt(file: string, message: string): Issue {
  return { severity: 'error', message, position: { file, line: 1, column: 1 } }
}
