import { readFileSync } from 'node:fs'
import { isAbsolute, join, relative, resolve } from 'node:path'
import type { Outcome, Value } from '@streamstack/protocol'
import {
  type Issue,
  type Position,
  type TreeEntry,
  type TreeNode,
  entryOf,
  knownEntries,
  parseByteSize,
  TIMER_MS_MAX,
  parseDurationMs,
  parseTree,
  quote,
} from '../definition/index.ts'
import { plainText } from './plain-text.ts'
import type { Check } from './check.ts'
import { EXPECT_KEYS, checksOf } from './expectations.ts'
import { missionCases } from './postman-block.ts'
import type { Fault, StreamedFormat, TestCase, TestFile, TestRequest, Upstream, UpstreamAnswer } from './test-case.ts'

const FILE_KEYS = ['$schema', 'description', 'tests', 'defaults'] as const
const CASE_KEYS = [
  'name',
  'description',
  'request',
  'caller',
  'upstreams',
  'expect',
  'validation',
  'faults',
  'repeat',
  'timeout',
] as const
const REQUEST_KEYS = ['method', 'path', 'query', 'headers', 'body', 'format'] as const
const CALLER_KEYS = ['sub', 'roles', 'scopes', 'claims'] as const
const ANSWER_KEYS = ['status', 'headers', 'body', 'file', 'pace', 'bytes', 'fault'] as const
const FAULT_KEYS = ['cut', 'leave', 'slow', 'restart', 'within'] as const
const FORMATS: readonly StreamedFormat[] = ['ndjson', 'sse', 'lines', 'text']
const OUTCOMES: readonly Outcome[] = ['completed', 'failed', 'cancelled', 'abandoned']
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

const TIMEOUT_MS_DEFAULT = 30_000
const LEAVE_MS_DEFAULT = 500

/** Reads a file of `tests/`. `dir` is the workspace, `file` relative to it. Never throws for what the file says. */
export function readTestFile(dir: string, file: string): TestFile {
  const { tree, issues } = parseTree(file, readFileSync(join(dir, file), 'utf8'))
  if (tree === null) return { file, cases: [], issues }
  const reader = new TestFileReader(dir, file, [...issues])
  return { file, cases: reader.cases(tree), issues: reader.issues }
}

class TestFileReader {
  readonly issues: Issue[]
  readonly #dir: string
  readonly #file: string

  constructor(dir: string, file: string, issues: Issue[]) {
    this.#dir = dir
    this.#file = file
    this.issues = issues
  }

  cases(tree: TreeNode): TestCase[] {
    const block =
      entryOf(tree, 'postman_streaming_tests')?.node ?? (entryOf(tree, 'test_scenarios') === undefined ? null : tree)
    if (block !== null) return missionCases(block, this.issues)
    this.#known(tree, FILE_KEYS, 'file')
    const defaults = entryOf(tree, 'defaults')?.node ?? null
    if (defaults !== null) this.#known(defaults, CASE_KEYS, 'default')
    const tests = entryOf(tree, 'tests')?.node
    if (tests?.items === undefined) {
      this.#error(tree.position, 'The file has no list `tests`.')
      return []
    }
    return tests.items.map((node) => this.#case(node, defaults)).filter((found) => found !== null)
  }

  #case(node: TreeNode, defaults: TreeNode | null): TestCase | null {
    this.#known(node, CASE_KEYS, 'test')
    const part = (key: (typeof CASE_KEYS)[number]): TreeNode | null =>
      entryOf(node, key)?.node ?? (defaults === null ? null : (entryOf(defaults, key)?.node ?? null))
    const request = part('request')
    if (request === null) {
      this.#error(node.position, 'A test needs a `request`, such as { method: POST, path: /api/chat }.')
      return null
    }
    const made = this.#request(request)
    const checks = [...this.#expectations(part('expect')), ...this.#sentences(part('validation'))]
    if (checks.length === 0) this.#error(node.position, 'The test expects nothing. Add `expect` or `validation`.')
    return {
      name: plainText(part('name')?.value, `${made.method} ${made.path}`),
      position: node.position,
      request: made,
      caller: this.#caller(part('caller')),
      upstreams: (part('upstreams')?.entries ?? []).map((entry) => this.#upstream(entry)),
      checks,
      outcome: this.#outcome(part('expect')),
      status: statusOf(part('expect')),
      faults: (part('faults')?.items ?? []).map((fault) => this.#fault(fault)).filter((fault) => fault !== null),
      repeat: this.#wholeNumber(part('repeat'), 1, 'repeat'),
      timeoutMs: this.#duration(part('timeout'), TIMEOUT_MS_DEFAULT, 'timeout'),
    }
  }

  #request(node: TreeNode): TestRequest {
    this.#known(node, REQUEST_KEYS, 'request')
    const method = plainText(entryOf(node, 'method')?.node.value, 'GET').toUpperCase()
    if (!METHODS.includes(method)) this.#error(node.position, `\`method\` must be one of ${METHODS.join(', ')}.`)
    const path = entryOf(node, 'path')?.node
    if (typeof path?.value !== 'string' || !path.value.startsWith('/')) {
      this.#error(path?.position ?? node.position, '`path` must begin with a slash, such as /api/chat.')
    }
    const query = new URLSearchParams()
    for (const { key, node: value } of entryOf(node, 'query')?.node.entries ?? [])
      query.append(key, plainText(value.value))
    const body = entryOf(node, 'body')?.node
    const format = entryOf(node, 'format')?.node
    if (format !== undefined && !FORMATS.includes(format.value as StreamedFormat)) {
      this.#error(format.position, `\`format\` must be one of ${FORMATS.join(', ')}.`)
    }
    const full = plainText(path?.value, '/')
    return {
      method,
      path: query.size === 0 ? full : `${full}${full.includes('?') ? '&' : '?'}${query.toString()}`,
      headers: this.#headers(entryOf(node, 'headers')?.node),
      body: body === undefined ? null : typeof body.value === 'string' ? body.value : JSON.stringify(body.value),
      format: (format?.value ?? 'ndjson') as StreamedFormat,
    }
  }

  #headers(node: TreeNode | undefined): Record<string, string> {
    return Object.fromEntries((node?.entries ?? []).map(({ key, node: value }) => [key, plainText(value.value)]))
  }

  #caller(node: TreeNode | null): Record<string, Value> | null {
    if (node === null || node.value === null) return null
    this.#known(node, CALLER_KEYS, 'caller')
    const { claims = {}, sub = 'tester', roles, scopes } = node.value as Record<string, Value>
    return {
      ...(claims as Record<string, Value>),
      sub,
      ...(roles === undefined ? {} : { roles: [roles].flat() as Value }),
      ...(scopes === undefined
        ? {}
        : {
            scope: [scopes]
              .flat()
              .map((scope) => plainText(scope))
              .join(' '),
          }),
    }
  }

  #upstream({ key, node }: TreeEntry): Upstream {
    if (!URL.canParse(key))
      this.#error(node.position, `${quote(key)} is not an address such as https://api.example.com.`)
    const answers = node.items ?? [node]
    return {
      origin: URL.canParse(key) ? new URL(key).origin : key,
      answers: answers.map((answer) => this.#answer(answer)),
    }
  }

  #answer(node: TreeNode): UpstreamAnswer {
    this.#known(node, ANSWER_KEYS, 'answer')
    const fault = entryOf(node, 'fault')?.node
    const [kind = 'cut', after = 0] = fault === undefined ? [] : (Object.entries(fault.value as object)[0] ?? [])
    if (fault !== undefined && !['cut', 'reset', 'stall'].includes(kind)) {
      this.#error(
        fault.position,
        '`fault` must be { cut: n }, { reset: n } or { stall: n }: what happens after n pieces.',
      )
    }
    const bytes = entryOf(node, 'bytes')?.node ?? null
    return {
      status: this.#wholeNumber(entryOf(node, 'status')?.node ?? null, 200, 'status'),
      headers: { 'content-type': 'text/event-stream', ...lowerKeys(this.#headers(entryOf(node, 'headers')?.node)) },
      body: this.#answerBody(node),
      paceMs: this.#duration(entryOf(node, 'pace')?.node ?? null, 0, 'pace'),
      pieceBytes: bytes === null ? null : this.#wholeNumber(bytes, 1, 'bytes'),
      fault: fault === undefined ? null : { kind: kind as 'cut' | 'reset' | 'stall', afterPieces: Number(after) },
    }
  }

  #answerBody(node: TreeNode): Buffer {
    const file = entryOf(node, 'file')?.node
    const body = entryOf(node, 'body')?.node
    if (file === undefined) {
      const value = body?.value ?? ''
      return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
    }
    const path = resolve(this.#dir, plainText(file.value))
    const inside = relative(this.#dir, path)
    if (inside.startsWith('..') || isAbsolute(inside)) {
      this.#error(file.position, `${quote(file.value)} is outside of the workspace.`)
      return Buffer.alloc(0)
    }
    try {
      return readFileSync(path)
    } catch {
      this.#error(file.position, `The file ${quote(file.value)} cannot be read.`)
      return Buffer.alloc(0)
    }
  }

  #fault(node: TreeNode): Fault | null {
    this.#known(node, FAULT_KEYS, 'fault')
    const [kind, ...others] = (node.entries ?? []).filter(({ key }) => key !== 'within')
    if (kind === undefined || others.length > 0) {
      this.#error(
        node.position,
        'A fault is one of { cut: n }, { leave: n }, { restart: n } (after n chunks) or { slow: 1kb }.',
      )
      return null
    }
    if (kind.key === 'slow') {
      const bytesPerSecond = parseByteSize(kind.node.value) ?? 0
      if (bytesPerSecond > 0) return { kind: 'slow', bytesPerSecond }
      this.#error(kind.node.position, '`slow` must be bytes a second, such as 1kb.')
      return null
    }
    const afterChunks = this.#wholeNumber(kind.node, 1, kind.key)
    if (kind.key === 'leave') {
      const withinMs = this.#duration(entryOf(node, 'within')?.node ?? null, LEAVE_MS_DEFAULT, 'within')
      return { kind: 'leave', afterChunks, withinMs }
    }
    return { kind: kind.key as 'cut' | 'restart', afterChunks }
  }

  #expectations(node: TreeNode | null): Check[] {
    if (node === null) return []
    this.#known(node, EXPECT_KEYS, 'expectation')
    return checksOf(node, this.issues)
  }

  #outcome(expected: TreeNode | null): Outcome | null {
    const node = expected === null ? undefined : entryOf(expected, 'outcome')?.node
    if (node === undefined) return null
    const found = OUTCOMES.find((outcome) => outcome === node.value)
    if (found === undefined) this.#error(node.position, `\`outcome\` must be one of ${OUTCOMES.join(', ')}.`)
    return found ?? null
  }

  #sentences(node: TreeNode | null): Check[] {
    return node === null
      ? []
      : checksOf(
          { value: null, position: node.position, entries: [{ key: 'sentences', keyPosition: node.position, node }] },
          this.issues,
        )
  }

  #known(node: TreeNode, keys: readonly string[], what: string): void {
    if (node.entries === undefined) {
      this.#error(node.position, `${withArticle(what)} must be an object; it is ${quote(node.value)}.`)
      return
    }
    knownEntries(node, keys, ({ key, keyPosition }, cure) =>
      this.#error(keyPosition, `${withArticle(what)} has no \`${key}\`. ${cure}`),
    )
  }

  #wholeNumber(node: TreeNode | null, otherwise: number, name: string): number {
    if (node === null) return otherwise
    if (Number.isSafeInteger(node.value) && (node.value as number) >= 1) return node.value as number
    this.#error(node.position, `\`${name}\` must be a whole number of at least 1; it is ${quote(node.value)}.`)
    return otherwise
  }

  #duration(node: TreeNode | null, otherwise: number, name: string): number {
    if (node === null) return otherwise
    const ms = parseDurationMs(node.value)
    if (ms !== null && ms <= TIMER_MS_MAX) return ms
    const what = 'a duration such as 200ms or 2s, of at most 24 days'
    this.#error(node.position, `\`${name}\` must be ${what}; it is ${quote(node.value)}.`)
    return otherwise
  }

  #error(position: Position, message: string): void {
    this.issues.push({ severity: 'error', message, position: { ...position, file: this.#file } })
  }
}

function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'An' : 'A'} ${noun}`
}

function lowerKeys(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** The check of `expect` tells of a value that is no status. */
function statusOf(expected: TreeNode | null): number | null {
  const value = expected === null ? undefined : entryOf(expected, 'status')?.node.value
  return typeof value === 'number' ? value : null
}
