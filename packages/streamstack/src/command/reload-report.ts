import type { Issue } from '../definition/index.ts'
import type { CompiledWorkspace } from '../engine/index.ts'
import type { Plan } from '../plan/index.ts'
import { changedStartSettings } from '../workspace/index.ts'
import type { Colors } from './io.ts'
import { issueLines } from './issue-lines.ts'

/** What a reload changed, for the person who saved a file. */
export interface ReloadReport {
  before: CompiledWorkspace
  after: CompiledWorkspace
  /** Files that changed, from the workspace. */
  changed: readonly string[]
  prefix: string
  colors: Colors
}

/** One line for each endpoint that came, went or changed, and each problem that is new or stands in a changed file. */
export function reloadReport({ before, after, changed, prefix, colors }: ReloadReport): readonly string[] {
  const { green, red, yellow } = colors
  const lines: string[] = []
  const files = new Set([...before.plans.keys(), ...after.plans.keys()])
  for (const file of [...files].sort()) {
    const old = before.plans.get(file)
    const now = after.plans.get(file)
    if (now === undefined) lines.push(`${red('-')} ${routeOf(old)} removed`)
    else if (old === undefined) lines.push(`${green('+')} ${routeOf(now)} added`)
    // A plan that is the same object was not compiled anew: its file, or what it uses, is broken.
    else if (old === now) lines.push(`${yellow('!')} ${routeOf(now)} is broken and goes on with its last good version`)
    else if (changed.includes(file) || routeOf(old) !== routeOf(now))
      lines.push(`${green('~')} ${routeOf(now)} updated`)
  }
  const others = changed.filter((file) => !file.startsWith('endpoints/'))
  if (others.length > 0) lines.push(`${green('~')} ${others.map((file) => prefix + file).join(', ')} read again`)
  const told = after.issues.filter((issue) => changed.includes(issue.position.file) || !hasIssue(before.issues, issue))
  lines.push(...issueLines(told, prefix, colors))
  const hadErrors = before.issues.some(isError)
  if (hadErrors && !after.issues.some(isError)) lines.push(green('All errors are mended.'))
  return [...lines, ...restartLines(before, after, colors)]
}

function restartLines(before: CompiledWorkspace, after: CompiledWorkspace, { yellow }: Colors): string[] {
  const changed = changedStartSettings(before.settings, after.settings)
  return changed.length === 0 ? [] : [yellow(`${changed.join(', ')} changed: stop and start the server for that.`)]
}

function routeOf(plan: Plan | undefined): string {
  return plan === undefined ? '' : `${plan.endpoint.method} ${plan.endpoint.path}`
}

function isError({ severity }: Issue): boolean {
  return severity === 'error'
}

function hasIssue(issues: readonly Issue[], { message, position }: Issue): boolean {
  return issues.some((other) => other.message === message && other.position.file === position.file)
}
