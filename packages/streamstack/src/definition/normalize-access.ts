import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import type { IssueList } from './issue-list.ts'
import { isNoteKey } from './notes.ts'
import { kindOf, quote } from './tree.ts'
import type { AccessDeclaration, TreeEntry, TreeNode } from './types.ts'

const ACCESS_KEYS: readonly string[] = ['type', 'required', 'roles', 'scopes']

/**
 * Reads who may call: `authentication` (true, false, words such as "JWT token required", or an object), `roles`, `scopes`.
 * Fails closed: words that are not understood are an error, and roles or scopes alone ask for a token.
 */
export function normalizeAccess(
  authentication: TreeEntry | undefined,
  roles: TreeEntry | undefined,
  scopes: TreeEntry | undefined,
  list: IssueList,
): AccessDeclaration {
  let asked: boolean | null = null
  let rolesNode = roles?.node
  let scopesNode = scopes?.node
  if (authentication?.node.entries !== undefined) {
    asked = true
    for (const entry of authentication.node.entries) {
      if (entry.key === 'type') checkType(entry.node, list)
      else if (entry.key === 'required') asked = readBoolean(entry.node, list) ?? asked
      else if (entry.key === 'roles') rolesNode = single(entry, roles, rolesNode, list)
      else if (entry.key === 'scopes') scopesNode = single(entry, scopes, scopesNode, list)
      else if (!isNoteKey(entry.key)) {
        const suggestion = didYouMean(entry.key, ACCESS_KEYS)
        const cure = didYouMeanOr(suggestion, `It takes ${ACCESS_KEYS.join(', ')}.`)
        list.error(entry.keyPosition, `\`authentication\` has no \`${entry.key}\`. ${cure}`)
      }
    }
  } else if (authentication !== undefined) asked = readAuthentication(authentication.node, list)
  const access = { roles: readNames(rolesNode, 'roles', list), scopes: readNames(scopesNode, 'scopes', list) }
  const restricted = access.roles.length > 0 || access.scopes.length > 0
  if (asked === false && restricted && authentication !== undefined) {
    list.error(
      authentication.keyPosition,
      '`authentication` is false, but roles or scopes are asked for; remove one of them.',
    )
  }
  return Object.freeze({ authentication: asked === true || restricted, ...access })
}

function readAuthentication(node: TreeNode, list: IssueList): boolean {
  const { value, position } = node
  if (typeof value === 'boolean') return value
  if (typeof value === 'string') {
    const words = value.trim().toLowerCase()
    if (
      /^(false|none|no|off|public|anonymous|not required|no authentication|no authentication required)$/.test(words)
    ) {
      return false
    }
    const needs = /\b(jwt|bearer|token|required|authenticated)\b/.test(words) || words === 'true' || words === 'yes'
    if (needs && !/\b(no|not|none|without|optional|never)\b/.test(words)) return true
  }
  list.error(
    position,
    `\`authentication\` must be true, false or { "type": "jwt", "roles": […] }; it is ${quote(value)}.`,
  )
  return true
}

function checkType(node: TreeNode, list: IssueList): void {
  const { value, position } = node
  if (typeof value === 'string' && /^(jwt|bearer)$/i.test(value)) return
  list.error(position, `The authentication type must be "jwt"; it is ${quote(value)}.`)
}

function readBoolean(node: TreeNode, list: IssueList): boolean | null {
  if (typeof node.value === 'boolean') return node.value
  list.error(node.position, `\`required\` must be true or false; it is ${quote(node.value)}.`)
  return null
}

function single(
  entry: TreeEntry,
  outer: TreeEntry | undefined,
  node: TreeNode | undefined,
  list: IssueList,
): TreeNode | undefined {
  if (outer === undefined) return entry.node
  list.error(entry.keyPosition, `\`${entry.key}\` stands both inside and beside \`authentication\`; remove one.`)
  return node
}

/** A list of names, or one text with names between commas or spaces (as OAuth writes scopes). */
function readNames(node: TreeNode | undefined, key: string, list: IssueList): readonly string[] {
  if (node === undefined || node.value === null) return Object.freeze([])
  const names: string[] = []
  const items = node.items ?? [node]
  for (const item of items) {
    if (typeof item.value === 'string' && item.value.trim() !== '') {
      // Inside a list each text is one name, spaces and all.
      if (node.items === undefined) names.push(...item.value.trim().split(/[\s,]+/))
      else names.push(item.value.trim())
    } else list.error(item.position, `\`${key}\` must be a list of names; ${kindOf(item.value)} stands here.`)
  }
  if (items.length === 0) list.error(node.position, `\`${key}\` is empty; name at least one, or remove it.`)
  return Object.freeze([...new Set(names)])
}
