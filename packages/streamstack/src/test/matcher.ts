import { isDeepStrictEqual } from 'node:util'
import type { Value } from '@streamstack/protocol'
import { z } from 'zod'
import { type Issue, type TreeNode, quote } from '../definition/index.ts'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { plainText } from './plain-text.ts'
import type { ObservedChunk } from './observed.ts'

/** Says why a value is not what the file wants, or null. */
export type Matcher = (value: unknown) => string | null

const OPERATORS = ['equals', 'contains', 'matches', 'type', 'at_least', 'at_most', 'path', 'schema', 'not'] as const
const CHUNK_KEYS = ['content', 'kind', 'metadata', 'offset'] as const

/**
 * Makes a matcher of what stands in a file. An object that has only operators (`{ contains: x }`) is one; anything else must be equal.
 */
export function matcherOf(node: TreeNode, issues: Issue[]): Matcher {
  const { entries } = node
  if (entries === undefined || entries.length === 0) return equals(node.value)
  const isOperator = ({ key }: { key: string }): boolean => (OPERATORS as readonly string[]).includes(key)
  if (!entries.some(isOperator)) return equals(node.value)
  const stranger = entries.find((entry) => !isOperator(entry))
  if (stranger !== undefined) {
    const near = didYouMean(stranger.key, OPERATORS)
    const cure = didYouMeanOr(near, `Put a value that is an object under \`equals\`.`)
    report(issues, stranger.node, `There is no operator \`${stranger.key}\`. ${cure}`)
  }
  const matchers = entries.filter(isOperator).map(({ key, node: operand }) => operator(key, operand, issues))
  return (value) => firstProblem(matchers, value)
}

/** Makes a matcher of a chunk: one with `content`, `kind`, `metadata` or `offset` looks at these, anything else at the content. */
export function chunkMatcherOf(node: TreeNode, issues: Issue[]): (chunk: ObservedChunk) => string | null {
  const { entries } = node
  const isAboutChunk =
    entries !== undefined &&
    entries.length > 0 &&
    entries.every(({ key }) => (CHUNK_KEYS as readonly string[]).includes(key))
  if (!isAboutChunk) {
    const matches = matcherOf(node, issues)
    return ({ content }) => matches(content)
  }
  const parts = entries.map(({ key, node: part }) => {
    const matches = key === 'metadata' ? includes(part, issues) : matcherOf(part, issues)
    return (chunk: ObservedChunk): string | null => {
      const problem = matches(chunk[key as (typeof CHUNK_KEYS)[number]])
      return problem === null ? null : `${key}: ${problem}`
    }
  })
  return (chunk) => firstProblem(parts, chunk)
}

/** The value at a path such as `$.items[0].name`, `items.0.name`; undefined when there is none. */
export function valueAt(value: unknown, path: string): unknown {
  const parts = path
    .replace(/^\$\.?/, '')
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.')
    .filter((part) => part !== '')
  let found = value
  for (const part of parts) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined
    found = (found as Record<string, unknown>)[part]
  }
  return found
}

/** A value as messages show it. */
export function shown(value: unknown): string {
  return value === undefined ? 'nothing' : quote(value as Value)
}

function equals(wanted: Value): Matcher {
  return (value) =>
    isDeepStrictEqual(plain(value), plain(wanted)) ? null : `expected ${quote(wanted)}, got ${shown(value)}`
}

/** An object of metadata must have what is listed; more may be there. */
function includes(node: TreeNode, issues: Issue[]): Matcher {
  if (node.entries === undefined) return matcherOf(node, issues)
  const parts = node.entries.map(({ key, node: part }) => ({ key, matches: matcherOf(part, issues) }))
  return (value) => {
    for (const { key, matches } of parts) {
      const problem = matches(valueAt(value, key))
      if (problem !== null) return `${key}: ${problem}`
    }
    return null
  }
}

function operator(key: string, node: TreeNode, issues: Issue[]): Matcher {
  const { value: operand } = node
  switch (key) {
    case 'equals':
      return equals(operand)
    case 'contains':
      return (value) =>
        holds(value, operand) ? null : `expected something with ${quote(operand)}, got ${shown(value)}`
    case 'matches':
      return pattern(node, issues)
    case 'type':
      return (value) => (typeName(value) === operand ? null : `expected ${quote(operand)}, got ${typeName(value)}`)
    case 'at_least':
      return (value) =>
        Number(value) >= Number(operand) ? null : `expected at least ${quote(operand)}, got ${shown(value)}`
    case 'at_most':
      return (value) =>
        Number(value) <= Number(operand) ? null : `expected at most ${quote(operand)}, got ${shown(value)}`
    case 'path':
      return paths(node, issues)
    case 'schema':
      return schema(node, issues)
    default: {
      const matches = matcherOf(node, issues)
      return (value) => (matches(value) === null ? `must not be ${quote(operand)}` : null)
    }
  }
}

function pattern(node: TreeNode, issues: Issue[]): Matcher {
  try {
    const expression = new RegExp(plainText(node.value), 'u')
    return (value) => (expression.test(textOf(value)) ? null : `expected ${String(expression)}, got ${shown(value)}`)
  } catch (error) {
    report(issues, node, `\`matches\` is not a regular expression: ${(error as Error).message}.`)
    return () => null
  }
}

function paths(node: TreeNode, issues: Issue[]): Matcher {
  const parts = (node.entries ?? []).map(({ key, node: part }) => ({ key, matches: matcherOf(part, issues) }))
  if (parts.length === 0) report(issues, node, '`path` must be an object such as { "$.items[0].name": Ada }.')
  return (value) => {
    for (const { key, matches } of parts) {
      const problem = matches(valueAt(value, key))
      if (problem !== null) return `at ${key} ${problem}`
    }
    return null
  }
}

function schema(node: TreeNode, issues: Issue[]): Matcher {
  try {
    const checks = z.fromJSONSchema(node.value as Parameters<typeof z.fromJSONSchema>[0])
    return (value) => {
      const fault = checks.safeParse(value).error?.issues[0]
      return fault === undefined ? null : `at ${['$', ...fault.path].join('.')} ${fault.message}`
    }
  } catch (error) {
    report(issues, node, `\`schema\` is not a JSON Schema: ${(error as Error).message}.`)
    return () => null
  }
}

function holds(value: unknown, part: Value): boolean {
  if (Array.isArray(value)) return value.some((item) => isDeepStrictEqual(plain(item), plain(part)))
  return textOf(value).includes(typeof part === 'string' ? part : JSON.stringify(part))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null)
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** Objects without a prototype are equal to those with one. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown)
}

function firstProblem<T>(checks: readonly ((value: T) => string | null)[], value: T): string | null {
  for (const check of checks) {
    const problem = check(value)
    if (problem !== null) return problem
  }
  return null
}

function report(issues: Issue[], node: TreeNode, message: string): void {
  issues.push({ severity: 'error', message, position: node.position })
}
