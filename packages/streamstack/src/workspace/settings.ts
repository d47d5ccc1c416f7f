import { z } from 'zod'
import { entryOf, type Issue, type Position, quote, type TreeNode } from '../definition/index.ts'
import { providerKeyNames } from '../provider/index.ts'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import type { Environment } from './dotenv.ts'
import { resolveSettings } from './resolve-settings.ts'
import { type Settings, toSettings } from './checked-settings.ts'
import { knownKeys, settingsSchema } from './settings-schema.ts'

/** Settings as read; null when an issue is an error. */
export interface ReadSettings {
  settings: Settings | null
  /** Values of the declared names that have one: all that `{{env.NAME}}` can read. */
  env: Readonly<Record<string, string>>
  issues: Issue[]
}

/**
 * Checks a settings file. `tree` is null when there is none: then everything has its default. `dir` is the absolute path of
 * the workspace, `file` the name of the settings file in it. `developerSecret` signs tokens where the settings have no `auth.jwt`;
 * null: tokens cannot be checked then.
 */
export function readSettings(
  tree: TreeNode | null,
  file: string,
  dir: string,
  environment: Environment,
  developerSecret: string | null = null,
): ReadSettings {
  const issues: Issue[] = []
  const root: TreeNode = tree ?? { value: {}, position: { file, line: 1, column: 1 }, entries: [] }
  const report = (position: Position, message: string): void => {
    issues.push({ severity: 'error', message, position })
  }
  const names = (entryOf(root, 'env')?.node.items ?? []).flatMap(({ value, position }) =>
    typeof value === 'string' ? [{ name: value, position }] : [],
  )
  const declared = new Set(names.map((item) => item.name))
  const env: Record<string, string> = {}
  for (const { name, position } of names) {
    const found = environment[name]
    if (found !== undefined) env[name] = found
    else {
      const message = `The environment variable ${name} has no value; set it in .env or in the environment.`
      issues.push({ severity: 'warning', message, position })
    }
  }
  // Keys of providers are known by their names: a workspace that calls one needs no list for it.
  for (const name of providerKeyNames) {
    const found = environment[name]
    if (found !== undefined) env[name] = found
    declared.add(name)
  }
  for (const { position, path } of literalSecrets(root)) {
    const message = `\`${path}\` stands in this file, and will be wherever the file is. Put it into .env, list its name under \`env\` and write {{env.NAME}} here.`
    issues.push({ severity: 'warning', message, position })
  }
  const audit = entryOf(root, 'audit')
  if ((audit?.node.entries ?? []).length > 0 && audit !== undefined && entryOf(audit.node, 'enabled') === undefined) {
    const message =
      '`audit` is off, and its settings have no effect. Add `enabled: true`, or `enabled: false` to keep it off.'
    issues.push({ severity: 'warning', message, position: audit.keyPosition })
  }
  const plain = resolveSettings(root, declared, environment, report)
  const unresolved = new Set(issues.filter((issue) => issue.severity === 'error').map((issue) => issue.position))
  const checked = settingsSchema.safeParse(plain)
  for (const fault of checked.error?.issues ?? []) reportFault(fault, root, unresolved, report)
  const good = checked.success && !issues.some((issue) => issue.severity === 'error')
  return {
    settings: good ? toSettings(checked.data, dir, developerSecret, environment) : null,
    env: Object.freeze(env),
    issues,
  }
}

/** JSON Schema (draft 2020-12) of `streamstack.yaml`, for completion and checks in editors. */
export function settingsJsonSchema(): Readonly<Record<string, unknown>> {
  return { title: 'Streamstack settings', ...z.toJSONSchema(settingsSchema, { io: 'input', unrepresentable: 'any' }) }
}

/** Settings that are an object or a list of such objects. */
const ALTERNATIVES: ReadonlySet<string> = new Set(['auth.jwt'])

function reportFault(
  fault: z.core.$ZodIssue,
  root: TreeNode,
  unresolved: ReadonlySet<Position>,
  report: (position: Position, message: string) => void,
): void {
  const path = fault.path.map(String)
  if (fault.code === 'invalid_union' && ALTERNATIVES.has(path.join('.'))) {
    // Of an object and a list the fault is that of the one which was meant.
    const meant = fault.errors.find(
      (issues) => !issues.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0),
    )
    for (const inner of meant ?? []) {
      reportFault({ ...inner, path: [...fault.path, ...inner.path] }, root, unresolved, report)
    }
    if (meant !== undefined) return
  }
  const place = locate(root, path)
  // A missing variable is reported already; that it left the setting empty says nothing new.
  if (unresolved.has(place.position)) return
  if (fault.code === 'unrecognized_keys') {
    for (const key of fault.keys) {
      const known = knownKeys[path.filter((name) => !/^\d+$/.test(name)).join('.')] ?? []
      const suggestion = didYouMean(key, known)
      const cure = didYouMeanOr(suggestion, `Known are ${known.filter((name) => name !== '$schema').join(', ')}.`)
      const position = place.node === null ? place.position : (entryOf(place.node, key)?.keyPosition ?? place.position)
      report(position, `There is no setting \`${shownPath([...path, key])}\`. ${cure}`)
    }
    return
  }
  const key = path.length === 0 ? 'The settings file' : `\`${shownPath(path)}\``
  if (fault.code === 'invalid_key') {
    report(place.position, `${key} ${fault.issues[0]?.message ?? 'is no name'}.`)
    return
  }
  // Secrets are never repeated; what an environment variable held is not even known here.
  const showValue = place.node !== null && typeof place.node.value !== 'object' && !holdsSecret(path, place.node)
  const was = showValue ? `; it is ${quote(place.node?.value ?? null)}` : ''
  report(place.position, `${key} ${place.node === null ? 'is missing; it ' : ''}${fault.message}${was}.`)
}

const SECRET_KEYS: ReadonlySet<string> = new Set(['secret', 'private_key', 'authorization'])

/** Secrets that are written out instead of read from the environment. */
function literalSecrets(root: TreeNode): readonly { readonly position: Position; readonly path: string }[] {
  const found: { position: Position; path: string }[] = []
  const look = (node: TreeNode, path: string, key: string): void => {
    for (const [index, item] of (node.items ?? []).entries()) look(item, `${path}[${index}]`, key)
    for (const entry of node.entries ?? []) {
      look(entry.node, path === '' ? entry.key : `${path}.${entry.key}`, entry.key)
    }
    const isLiteral = typeof node.value === 'string' && node.value.trim() !== '' && !node.value.includes('{{')
    if (isLiteral && SECRET_KEYS.has(key)) found.push({ position: node.position, path })
  }
  for (const section of ['auth', 'audit']) {
    const node = entryOf(root, section)?.node
    if (node !== undefined) look(node, section, section)
  }
  return found
}

/** `auth.jwt[1].issuer`. */
function shownPath(path: readonly string[]): string {
  return path.join('.').replace(/\.(\d+)(?=\.|$)/g, '[$1]')
}

function holdsSecret(path: readonly string[], node: TreeNode | null): boolean {
  return SECRET_KEYS.has(path.at(-1) ?? '') || (typeof node?.value === 'string' && node.value.includes('{{'))
}

/** The node at a path, or the nearest above it that is there (`node` is null then). */
function locate(root: TreeNode, path: readonly string[]): { node: TreeNode | null; position: Position } {
  let node = root
  let position = root.position
  for (const key of path) {
    const entry = entryOf(node, key)
    const next = entry?.node ?? node.items?.[Number(key)]
    if (next === undefined) return { node: null, position }
    position =
      next.value === null || typeof next.value !== 'object' ? next.position : (entry?.keyPosition ?? next.position)
    node = next
  }
  return { node, position }
}
