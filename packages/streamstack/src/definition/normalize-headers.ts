import type { IssueList } from './issue-list.ts'
import { kindOf, quote } from './tree.ts'
import type { TreeNode } from './types.ts'

/** Headers of one connection or one message's framing: the server sets them (RFC 9110 §7.6.1, RFC 9112 §6). */
export const GOVERNED_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'date',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Headers that the server writes as well, as it spells them: the two must be one. */
const ownSpellings: Readonly<Record<string, string>> = Object.assign(Object.create(null) as Record<string, string>, {
  'cache-control': 'Cache-Control',
  'content-type': 'Content-Type',
  'x-accel-buffering': 'X-Accel-Buffering',
  'x-content-type-options': 'X-Content-Type-Options',
})

/** Reads declared response headers; those that only the server can set are left out. */
export function normalizeHeaders(node: TreeNode, list: IssueList): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  if (node.entries === undefined) {
    if (node.value !== null) {
      list.error(node.position, `\`headers\` must be an object of name and value; it is ${kindOf(node.value)}.`)
    }
    return headers
  }
  const seen = new Set<string>()
  for (const { key, keyPosition, node: valueNode } of node.entries) {
    const name = key.toLowerCase()
    const { value, position } = valueNode
    // RFC 9110 §5.1: a field name is a token.
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(key)) {
      list.error(keyPosition, `${quote(key)} is no header name; use letters, digits and hyphens.`)
    } else if (seen.has(name)) {
      list.error(keyPosition, `The header ${key} stands here twice (case does not count); remove one.`)
    } else if (typeof value !== 'string' && typeof value !== 'number') {
      list.error(position, `The header ${key} must be text; it is ${kindOf(value)}.`)
    } else if (/[\r\n\0]/.test(String(value))) {
      list.error(position, `The header ${key} must not hold line breaks; they would end the header.`)
    } else if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(String(value))) {
      list.error(position, `The header ${key} holds characters that HTTP headers cannot carry; use plain ASCII text.`)
    } else if (String(value).includes('{{')) {
      list.error(position, `The header ${key} cannot hold an expression here; use the function Set Response Header.`)
    } else if (name === 'content-type' && isOtherCharset(String(value))) {
      list.error(
        position,
        `The Content-Type names another charset than UTF-8, which all answers are written in; leave it out.`,
      )
    } else if (GOVERNED_HEADERS.has(name)) {
      // What Node does by itself needs no word.
      if (name !== 'connection' || String(value).trim().toLowerCase() !== 'keep-alive') {
        list.warning(keyPosition, `The header ${key} is set by the server and left out here; remove it.`)
      }
    } else headers[ownSpellings[name] ?? key] = String(value).trim()
    seen.add(name)
  }
  return Object.freeze(headers)
}

function isOtherCharset(contentType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType)?.[1]?.toLowerCase() ?? 'utf-8'
  return charset !== 'utf-8' && charset !== 'utf8'
}
