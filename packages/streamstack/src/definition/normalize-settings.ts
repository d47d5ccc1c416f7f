import { type FormatName, formats } from '@streamstack/protocol'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { parseByteSize } from './byte-size.ts'
import { parseDurationMs } from './duration.ts'
import { METHODS } from './methods.ts'
import type { IssueList } from './issue-list.ts'
import { normalizeAccess } from './normalize-access.ts'
import { normalizeConcurrency } from './normalize-concurrency.ts'
import { normalizeHeaders } from './normalize-headers.ts'
import { normalizePath } from './normalize-path.ts'
import { normalizeRateLimits } from './normalize-rate-limit.ts'
import { isNoteKey } from './notes.ts'
import { stepSettings } from './setting-steps.ts'
import { kindOf, quote } from './tree.ts'
import type { EndpointDefinition, LimitDeclaration, TreeEntry, TreeNode } from './types.ts'

/** The part of an endpoint that its settings decide; `path` is null when none is written. */
export interface EndpointSettings extends Pick<
  EndpointDefinition,
  | 'method'
  | 'description'
  | 'headers'
  | 'format'
  | 'access'
  | 'allow'
  | 'allowRead'
  | 'limits'
  | 'rateLimits'
  | 'concurrency'
  | 'delivery'
  | 'onDisconnect'
  | 'disconnectGraceMs'
> {
  path: string | null
  /** Null: not written. */
  responseType: EndpointDefinition['responseType'] | null
}

const FORMATS = Object.keys(formats) as readonly FormatName[]

const LIMIT_KEYS: readonly string[] = ['max_duration', 'max_chunks', 'max_bytes', 'max_iterations']

/** Keys of `endpoint_settings`; they may also stand beside the function stack. */
export const SETTINGS_KEYS: readonly string[] = [
  'method',
  'path',
  'endpoint',
  'response_type',
  'headers',
  'format',
  'authentication',
  'roles',
  'scopes',
  'allow',
  'allow_read',
  'limits',
  'rate_limit',
  'concurrency',
  ...LIMIT_KEYS,
  'delivery',
  'on_disconnect',
  'disconnect_grace',
  ...stepSettings,
]

/** Keys that people look for here and that stand elsewhere. */
const elsewhere: Readonly<Record<string, string>> = {
  auth: 'Write `authentication: true`; how tokens are verified stands under `auth` in streamstack.yaml.',
  cors: 'CORS holds for the whole server: set `server.cors` in streamstack.yaml.',
  body_limit: 'The body limit holds for the whole server: set `server.body_limit` in streamstack.yaml.',
  timeout: 'Write `max_duration`, the longest time that one run may take.',
}

/** Reads the entries of `endpoint_settings`. */
export function normalizeSettings(entries: readonly TreeEntry[], list: IssueList): EndpointSettings {
  const byKey = new Map<string, TreeEntry>()
  for (const entry of entries) {
    // `endpoint: /api/x` is the path, as the wrappers write it.
    const key = entry.key === 'endpoint' ? 'path' : entry.key
    const earlier = byKey.get(key)
    if (earlier !== undefined) {
      list.error(
        entry.keyPosition,
        `\`${entry.key}\` stands a second time (first on line ${earlier.keyPosition.line}); remove one.`,
      )
    } else if (SETTINGS_KEYS.includes(key) || isNoteKey(key) || key === 'name') byKey.set(key, entry)
    else reportUnknown(entry, list)
  }
  const route = readRoute(byKey.get('method')?.node, byKey.get('path')?.node, list)
  const description = byKey.get('description')?.node.value
  const headers = byKey.get('headers')
  return {
    ...route,
    description: typeof description === 'string' && description.trim() !== '' ? description.trim() : null,
    headers: headers === undefined ? Object.freeze({}) : normalizeHeaders(headers.node, list),
    responseType: readResponseType(byKey.get('response_type')?.node, list),
    format: readFormat(byKey.get('format')?.node, list),
    ...readAccess(byKey, list),
    limits: readLimits(byKey, list),
    concurrency: normalizeConcurrency(byKey.get('concurrency')?.node, list),
    rateLimits: normalizeRateLimits(byKey.get('rate_limit')?.node, list),
    delivery: readDelivery(byKey.get('delivery')?.node, list),
    onDisconnect: readOnDisconnect(byKey.get('on_disconnect')?.node, list),
    disconnectGraceMs: readDuration(byKey.get('disconnect_grace'), 0, list),
  }
}

function reportUnknown(entry: TreeEntry, list: IssueList): void {
  const suggestion = didYouMean(entry.key, [...SETTINGS_KEYS, 'description'])
  const cure = elsewhere[entry.key] ?? didYouMeanOr(suggestion, `Known are ${SETTINGS_KEYS.join(', ')}.`)
  list.error(entry.keyPosition, `\`endpoint_settings\` has no \`${entry.key}\`. ${cure}`)
}

function readRoute(
  methodNode: TreeNode | undefined,
  pathNode: TreeNode | undefined,
  list: IssueList,
): Pick<EndpointSettings, 'method' | 'path'> {
  let method = methodNode === undefined ? null : readMethod(methodNode, list)
  if (pathNode === undefined) return { method: method ?? 'POST', path: null }
  if (typeof pathNode.value !== 'string') {
    list.error(pathNode.position, `The path must be text such as /api/chat; it is ${kindOf(pathNode.value)}.`)
    return { method: method ?? 'POST', path: null }
  }
  // `endpoint: POST /api/chat`
  const both = /^([A-Za-z]+)\s+(\/.*)$/.exec(pathNode.value.trim())
  if (both !== null) {
    const named = readMethod({ value: both[1] ?? '', position: pathNode.position }, list)
    if (method !== null && named !== null && method !== named) {
      list.error(pathNode.position, `The path says ${named}, but \`method\` says ${method}; remove one.`)
    }
    method ??= named
  }
  return { method: method ?? 'POST', path: normalizePath(both?.[2] ?? pathNode.value, pathNode.position, list) }
}

function readMethod({ value, position }: TreeNode, list: IssueList): EndpointDefinition['method'] | null {
  const method = METHODS.find((known) => typeof value === 'string' && known === value.trim().toUpperCase())
  if (method === undefined)
    list.error(position, `The method must be one of ${METHODS.join(', ')}; it is ${quote(value)}.`)
  return method ?? null
}

/** A rule for callers alone asks for a token, too. */
function readAccess(
  settings: ReadonlyMap<string, TreeEntry>,
  list: IssueList,
): Pick<EndpointSettings, 'access' | 'allow' | 'allowRead'> {
  const authentication = settings.get('authentication')
  const access = normalizeAccess(authentication, settings.get('roles'), settings.get('scopes'), list)
  const allow = settings.get('allow')?.node ?? null
  const allowRead = settings.get('allow_read')?.node ?? null
  if (allowRead !== null && authentication?.node.value === false) {
    const message =
      '`allow_read` is about runs that belong to a caller. With `authentication: false` they have no owner, and every caller that knows the id of one can read it.'
    list.error(allowRead.position, message)
  }
  const isRuled = (allow !== null || allowRead !== null) && authentication === undefined
  return { access: isRuled ? Object.freeze({ ...access, authentication: true }) : access, allow, allowRead }
}

function readFormat(node: TreeNode | undefined, list: IssueList): FormatName | null {
  if (node === undefined) return null
  const name = FORMATS.find((known) => known === node.value)
  if (name !== undefined) return name
  const near = typeof node.value === 'string' ? didYouMean(node.value, FORMATS) : null
  const cure = near === null ? `one of ${FORMATS.join(', ')}` : `"${near}"`
  list.error(
    node.position,
    `\`format\` is the format of callers who name none; write ${cure}. It is ${quote(node.value)}.`,
  )
  return null
}

function readResponseType(node: TreeNode | undefined, list: IssueList): EndpointSettings['responseType'] {
  if (node === undefined) return null
  if (node.value === 'streaming' || node.value === 'stream') return 'streaming'
  if (node.value !== 'standard') {
    list.error(
      node.position,
      `\`response_type\` must be "streaming" or "standard"; it is ${quote(node.value)}. A caller that cannot stream asks for ?format=json.`,
    )
  }
  return 'standard'
}

function readDelivery(node: TreeNode | undefined, list: IssueList): EndpointDefinition['delivery'] {
  if (node === undefined || node.value === 'memory') return 'memory'
  if (node.value !== 'durable') {
    list.error(node.position, `\`delivery\` must be "memory" or "durable"; it is ${quote(node.value)}.`)
  }
  return 'durable'
}

function readOnDisconnect(node: TreeNode | undefined, list: IssueList): EndpointDefinition['onDisconnect'] {
  if (node === undefined || node.value === 'cancel') return 'cancel'
  if (node.value !== 'continue') {
    list.error(node.position, `\`on_disconnect\` must be "continue" or "cancel"; it is ${quote(node.value)}.`)
  }
  return 'continue'
}

/** Limits stand in the settings themselves or together under `limits`. */
function readLimits(settings: ReadonlyMap<string, TreeEntry>, list: IssueList): LimitDeclaration {
  const byKey = new Map<string, TreeEntry>()
  for (const key of LIMIT_KEYS) {
    const entry = settings.get(key)
    if (entry !== undefined) byKey.set(key, entry)
  }
  const group = settings.get('limits')?.node
  if (group !== undefined && group.entries === undefined && group.value !== null) {
    list.error(group.position, `\`limits\` must be an object; it is ${kindOf(group.value)}.`)
  }
  for (const entry of group?.entries ?? []) {
    if (isNoteKey(entry.key)) continue
    if (!LIMIT_KEYS.includes(entry.key)) {
      const suggestion = didYouMean(entry.key, LIMIT_KEYS)
      const cure = didYouMeanOr(suggestion, `Known are ${LIMIT_KEYS.join(', ')}.`)
      list.error(entry.keyPosition, `\`limits\` has no \`${entry.key}\`. ${cure}`)
    } else if (byKey.has(entry.key)) {
      list.error(entry.keyPosition, `\`${entry.key}\` stands both inside and beside \`limits\`; remove one.`)
    } else byKey.set(entry.key, entry)
  }
  return Object.freeze({
    maxDurationMs: readDuration(byKey.get('max_duration'), 1, list),
    maxChunks: readCount(byKey.get('max_chunks'), list),
    maxBytes: readBytes(byKey.get('max_bytes'), list),
    maxIterations: readCount(byKey.get('max_iterations'), list),
  })
}

function readDuration(entry: TreeEntry | undefined, minMs: number, list: IssueList): number | null {
  if (entry === undefined || entry.node.value === null) return null
  const { value, position } = entry.node
  const duration = parseDurationMs(value)
  if (duration !== null && duration >= minMs) return duration
  list.error(position, `\`${entry.key}\` must be a duration such as "500ms", "30s" or "5m"; it is ${quote(value)}.`)
  return null
}

function readBytes(entry: TreeEntry | undefined, list: IssueList): number | null {
  if (entry === undefined || entry.node.value === null) return null
  const { value, position } = entry.node
  const bytes = parseByteSize(value)
  if (bytes !== null && bytes >= 1) return bytes
  list.error(
    position,
    `\`${entry.key}\` must be a size such as "512kb", "10mb" or a number of bytes; it is ${quote(value)}.`,
  )
  return null
}

function readCount(entry: TreeEntry | undefined, list: IssueList): number | null {
  if (entry === undefined || entry.node.value === null) return null
  const { value, position } = entry.node
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value
  list.error(position, `\`${entry.key}\` must be a whole number of at least 1; it is ${quote(value)}.`)
  return null
}
