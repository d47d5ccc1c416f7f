import { isForAnybody } from '../channel/index.ts'
import type { EndpointDefinition } from '../definition/index.ts'
import type { CompiledWorkspace } from '../engine/index.ts'
import { allSteps } from '../plan/index.ts'
import type { Colors } from './io.ts'
import { counted } from './issue-lines.ts'
import { channelLines } from './channel-lines.ts'
import { curlLine } from './curl-line.ts'
import type { WorkspaceDir } from './workspace-dir.ts'

/** So many endpoints are listed; a screen takes no more. `GET /` lists all. */
const LISTED_MAX = 30
/** `DELETE`, `channel`. */
const METHOD_WIDTH = 7
/** So many get a line to paste. */
const CURL_LINES_MAX = 12

export interface Welcome {
  workspace: CompiledWorkspace
  /** Where it is served. */
  url: string
  dir: WorkspaceDir
  /** How the user starts this program. */
  program: string
  colors: Colors
  /** For trying; null: no token can be signed here. */
  token: string | null
}

/** What a person reads when the server has started: where it is, what is there, and lines to paste. */
export function welcomeLines({ workspace, url, dir, program, colors, token }: Welcome): readonly string[] {
  const { bold, cyan, dim } = colors
  const { plans, tables, channels, settings } = workspace
  const endpoints = [...plans.values()].map(({ endpoint }) => endpoint)
  const callUrl = callableUrl(url)
  const lines = ['', `${bold(settings.name ?? 'Streamstack')} is served at ${cyan(callUrl)}`, '']
  const listed = endpoints.slice(0, LISTED_MAX)
  const declared = channels.channels.slice(0, LISTED_MAX - listed.length)
  const width = Math.max(
    ...listed.map(({ path }) => path.length),
    ...declared.map(({ pattern }) => pattern.text.length),
  )
  for (const { method, path, description, access } of listed) {
    const lock = access.authentication ? dim(' (token)') : ''
    lines.push(`  ${method.padEnd(METHOD_WIDTH)} ${path.padEnd(width)}  ${dim(description ?? '')}${lock}`.trimEnd())
  }
  if (endpoints.length > listed.length)
    lines.push(`  … and ${endpoints.length - listed.length} more: GET / lists them all`)
  for (const { pattern, description, publish, subscribe } of declared) {
    let lock = isForAnybody(publish) || isForAnybody(subscribe) ? '' : dim(' (token)')
    if (publish === null && subscribe === null) lock = dim(' (steps only)')
    lines.push(
      `  ${'channel'.padEnd(METHOD_WIDTH)} ${pattern.text.padEnd(width)}  ${dim(description ?? '')}${lock}`.trimEnd(),
    )
  }
  if (channels.channels.length > declared.length)
    lines.push(`  … and ${counted(channels.channels.length - declared.length, 'more channel')}`)
  lines.push('', `${bold('Console')}: ${cyan(`${callUrl}/console/`)}`)
  for (const { name, isPublic } of [...workspace.dashboards.values()].slice(0, LISTED_MAX)) {
    const lock = isPublic ? '' : dim(' (token)')
    lines.push(`${bold('Dashboard')}: ${cyan(`${callUrl}/dashboards/${name}`)}${lock}`)
  }
  lines.push('', bold('Paste to try:'), '')
  for (const endpoint of pastable(endpoints).slice(0, CURL_LINES_MAX))
    lines.push(`  ${curlLine(endpoint, callUrl, `${program} token${dir.argument}`)}`)
  for (const line of channelLines(channels.channels, callUrl)) lines.push(`  ${line}`)
  if (token !== null) {
    const kept = settings.auth.isDeveloperSecret
      ? ' Its secret was generated for `dev` and is kept in the data folder; `serve` needs `auth.jwt`.'
      : ''
    lines.push('', bold('A token for trying, with every role and scope, valid for a day:'), '', `  ${token}`)
    if (kept !== '') lines.push('', dim(kept.trim()))
  }
  const names = tables.map(({ name }) => name).join(', ')
  lines.push(
    '',
    dim(
      `${counted(tables.length, 'table')}${names === '' ? '' : `: ${names}`}. Saved files are live at once. Ctrl-C stops.`,
    ),
    '',
  )
  return lines
}

/**
 * The endpoints in an order in which their samples work: a login finds no user before one has registered. Without an endpoint that registers, no
 * sample can be the password of a user, so a login has no line.
 */
function pastable(endpoints: readonly EndpointDefinition[]): readonly EndpointDefinition[] {
  const does = (name: string, { stack }: EndpointDefinition): boolean =>
    allSteps(stack).some((step) => !step.disabled && step.function === name)
  const isRegistration = (one: EndpointDefinition): boolean => does('Hash Password', one)
  const logins = endpoints.filter((one) => !isRegistration(one) && does('Verify Password', one))
  const first = endpoints.find(isRegistration)
  return endpoints.filter((one) => !logins.includes(one)).flatMap((one) => (one === first ? [one, ...logins] : [one]))
}

/** An address to listen on is not always one to call. */
function callableUrl(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}
