import { GOVERNED_HEADERS } from '../../definition/index.ts'
import type { StepNode, TreeNode } from '../../definition/types.ts'
import { isFieldValue, isToken } from '../../outbound/index.ts'
import { kindOf } from './arguments.ts'
import type { Compiler } from './compiler.ts'

/** Whose headers a step sets. */
export interface HeaderOwner {
  /** Names that cannot be set, in lower case, and what to do instead. */
  readonly refused: ReadonlyMap<string, string>
}

export const REQUEST_HEADERS: HeaderOwner = {
  refused: new Map([['host', 'the URL decides the host; remove it']]),
}

export const ANSWER_HEADERS: HeaderOwner = {
  refused: new Map(
    [...GOVERNED_HEADERS, 'stream-run', 'stream-url'].map((name) => [name, 'the server sets it; remove it']),
  ),
}

/** Of a step that adds one to an answer whose format decides the type. */
export const FURTHER_HEADERS: HeaderOwner = {
  refused: new Map([
    ...ANSWER_HEADERS.refused,
    ['content-type', 'the format decides it; set `response_type` or `headers` of the endpoint'],
  ]),
}

/** Adds issues for headers of the parameter `headers` that are written out and could never be sent: each call would fail. */
export function checkHeaders(step: StepNode, compiler: Compiler, owner: HeaderOwner): void {
  const seen = new Set<string>()
  for (const { key, keyPosition, node } of step.parameters['headers']?.entries ?? []) {
    const lower = key.toLowerCase()
    const problem = seen.has(lower)
      ? 'stands here twice (case does not count); remove one'
      : (headerNameProblem(key) ?? owner.refused.get(lower))
    seen.add(lower)
    if (problem !== undefined) compiler.issue('error', `The header ${JSON.stringify(key)}: ${problem}.`, keyPosition)
    checkHeaderValue(key, node, compiler)
  }
}

/** Adds an issue for the name of a header that is written out and could never be sent. */
export function checkHeaderName(node: TreeNode | undefined, compiler: Compiler, owner: HeaderOwner): void {
  const name = literalText(node)
  if (node === undefined || name === null) return
  const problem = headerNameProblem(name) ?? owner.refused.get(name.toLowerCase())
  if (problem !== undefined) compiler.issue('error', `The header ${JSON.stringify(name)}: ${problem}.`, node.position)
}

/** The same of its value. */
export function checkHeaderValue(name: string, node: TreeNode | undefined, compiler: Compiler): void {
  if (node === undefined) return
  const text = literalText(node)
  if (text === null) {
    const isText = typeof node.value === 'string' || node.value === null
    if (!isText)
      compiler.issue(
        'error',
        `The header ${JSON.stringify(name)} must be text; it is ${kindOf(node.value)}.`,
        node.position,
      )
  } else if (!isFieldValue(text)) {
    compiler.issue(
      'error',
      `The header ${JSON.stringify(name)} holds a line break or a character that headers cannot carry. Use plain ASCII text, or encode it.`,
      node.position,
    )
  }
}

/** A text that is written out, without expressions; null: it is something else. */
export function literalText(node: TreeNode | undefined): string | null {
  const value = node?.value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && !value.includes('{{') ? value : null
}

function headerNameProblem(name: string): string | undefined {
  if (name.includes('{{')) return 'a name is not evaluated; write it out, or give all headers as one expression'
  return isToken(name) ? undefined : 'this is no header name; use letters, digits and hyphens'
}
