import type { CompiledWorkspace } from '../engine/index.ts'
import type { Colors } from './io.ts'
import { counted } from './issue-lines.ts'
import { curlLine } from './curl-line.ts'
import type { WorkspaceDir } from './workspace-dir.ts'

/** So many endpoints are listed; a screen takes no more. `GET /` lists all. */
const LISTED_MAX = 30
/** So many get a line to paste. */
const CURL_LINES_MAX = 12

export interface Welcome {
  workspace: CompiledWorkspace
  /** Where it is served. */
  url: string
  dir: WorkspaceDir
  colors: Colors
}

/** What a person reads when the server has started: where it is, what is there, and lines to paste. */
export function welcomeLines({ workspace, url, dir, colors }: Welcome): readonly string[] {
  const { bold, cyan, dim } = colors
  const { plans, tables, channels, settings } = workspace
  const endpoints = [...plans.values()].map(({ endpoint }) => endpoint)
  const callUrl = callableUrl(url)
  const lines = ['', `${bold(settings.name ?? 'Streamstack')} is served at ${cyan(callUrl)}`, '']
  const listed = endpoints.slice(0, LISTED_MAX)
  const width = Math.max(...listed.map(({ path }) => path.length))
  for (const { method, path, description, access } of listed) {
    const lock = access.authentication ? dim(' (token)') : ''
    lines.push(`  ${method.padEnd(6)} ${path.padEnd(width)}  ${dim(description ?? '')}${lock}`.trimEnd())
  }
  if (endpoints.length > listed.length)
    lines.push(`  … and ${endpoints.length - listed.length} more: GET / lists them all`)
  lines.push('', bold('Paste to try:'), '')
  for (const endpoint of endpoints.slice(0, CURL_LINES_MAX))
    lines.push(`  ${curlLine(endpoint, callUrl, dir.argument)}`)
  const names = tables.map(({ name }) => name).join(', ')
  const declared = channels.channels.length === 0 ? '' : ` ${counted(channels.channels.length, 'channel')}.`
  lines.push(
    '',
    dim(
      `${counted(tables.length, 'table')}${names === '' ? '' : `: ${names}`}.${declared} Saved files are live at once. Ctrl-C stops.`,
    ),
    '',
  )
  return lines
}

/** An address to listen on is not always one to call. */
function callableUrl(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}
