import type { Value } from '@streamstack/protocol'
import {
  type AccessDeclaration,
  type Issue,
  type Position,
  type TreeEntry,
  type TreeNode,
  knownEntries,
  parseByteSize,
  parseDurationMs,
  placeInValue,
  quote,
} from '../definition/index.ts'
import { type Expression, ExpressionErrors, compileCondition } from '../expression/index.ts'
import { type NamePattern, parseNamePattern } from './name-pattern.ts'
import { type ChannelRule, OPEN_ACCESS, type RuleContext, TOKEN_ACCESS, needsToken, ruleScope } from './rule.ts'

/** The messages that a new reader receives first: the newest, `count` of them at most, none older than `ageMs`. */
export interface HistoryDeclaration {
  readonly count: number
  readonly ageMs: number
}

/** A file of `channels/`, checked and complete. A rule of null allows steps only. */
export interface ChannelDeclaration {
  readonly file: string
  readonly pattern: NamePattern
  readonly description: string | null
  readonly publish: ChannelRule | null
  readonly subscribe: ChannelRule | null
  readonly presence: ChannelRule | null
  readonly history: HistoryDeclaration
  readonly delivery: 'memory' | 'durable'
  /** Whether a subscriber gets a message; null: all get all. */
  readonly deliver: Expression<RuleContext> | null
  /** Of content and metadata of one message as JSON. */
  readonly maxBytes: number
  readonly position: Position
}

export const HISTORY_COUNT_MAX = 10_000
export const HISTORY_AGE_MS_MAX = 30 * 86_400_000
const HISTORY_AGE_MS_MIN = 1_000
export const HISTORY_COUNT_DEFAULT = 1_000
export const HISTORY_AGE_MS_DEFAULT = 3_600_000
export const MESSAGE_BYTES_DEFAULT = 65_536
export const MESSAGE_BYTES_MAX = 1_048_576

const NO_HISTORY: HistoryDeclaration = Object.freeze({ count: 0, ageMs: 0 })

const NOTE_KEYS: readonly string[] = ['$schema', 'description', 'purpose']
const KEYS = ['channel', 'publish', 'subscribe', 'presence', 'history', 'delivery', 'deliver', 'max_bytes'] as const
const RULE_KEYS = ['roles', 'scopes', 'when'] as const
const HISTORY_KEYS = ['count', 'age'] as const

/** What a file says. Null without its declaration: it has a fault. Then `pattern` still is its name, unless that cannot be told. */
export interface ReadChannel {
  readonly pattern: NamePattern | null
  readonly channel: ChannelDeclaration | null
  readonly issues: readonly Issue[]
}

/** Reads the tree of a file of `channels/`. */
export function readChannel(file: string, tree: TreeNode): ReadChannel {
  return new ChannelReader(file).read(tree)
}

/** Whether a rule of the channel can only be passed with a token. */
export function asksForToken({ publish, subscribe, presence }: ChannelDeclaration): boolean {
  return [publish, subscribe, presence].some((rule) => rule !== null && needsToken(rule))
}

class ChannelReader {
  readonly #file: string
  readonly #issues: Issue[] = []

  constructor(file: string) {
    this.#file = file
  }

  read(tree: TreeNode): ReadChannel {
    const entries = this.#entries(tree, 'A channel must be an object such as { publish: token, subscribe: true }', KEYS)
    const pattern = entries === null ? null : this.#pattern(entries.get('channel')?.node, tree.position)
    if (entries === null || pattern === null) return { pattern: null, channel: null, issues: this.#issues }
    const node = (key: (typeof KEYS)[number]): TreeNode | undefined => entries.get(key)?.node
    const channel: ChannelDeclaration = {
      file: this.#file,
      pattern,
      description: this.#description(entries.get('description')?.node),
      publish: this.#rule('publish', node('publish'), pattern),
      subscribe: this.#rule('subscribe', node('subscribe'), pattern),
      presence: this.#rule('presence', node('presence'), pattern),
      history: this.#history(node('history')),
      delivery: this.#delivery(node('delivery')),
      deliver: this.#condition(node('deliver'), pattern, true),
      maxBytes: this.#maxBytes(node('max_bytes')),
      position: tree.position,
    }
    const isGood = !this.#issues.some(({ severity }) => severity === 'error')
    return { pattern, channel: isGood ? Object.freeze(channel) : null, issues: this.#issues }
  }

  #pattern(node: TreeNode | undefined, position: Position): NamePattern | null {
    const text = node === undefined ? nameOfFile(this.#file) : node.value
    if (typeof text !== 'string') {
      return this.#error(
        node?.position ?? position,
        `\`channel\` must be a name such as rooms/{room}; it is ${quote(text)}.`,
      )
    }
    const parsed = parseNamePattern(text)
    if ('segments' in parsed) return parsed
    return this.#error(node?.position ?? position, `The channel ${quote(text)} ${parsed.fault}.`)
  }

  #rule(key: string, node: TreeNode | undefined, pattern: NamePattern): ChannelRule | null {
    if (node === undefined || node.value === false || node.value === null) return null
    if (node.value === true) return { access: OPEN_ACCESS, when: null }
    if (node.value === 'token') return { access: TOKEN_ACCESS, when: null }
    const must = `\`${key}\` must be false (no caller), true (every caller), token, or { roles, scopes, when }`
    const entries = this.#entries(node, must, RULE_KEYS)
    if (entries === null) return null
    if (node.entries?.length === 0)
      return this.#error(node.position, `\`${key}\` says nothing; write true if every caller may.`)
    const roles = this.#names('roles', entries.get('roles')?.node)
    const scopes = this.#names('scopes', entries.get('scopes')?.node)
    const access: AccessDeclaration = { authentication: roles.length + scopes.length > 0, roles, scopes }
    return { access, when: this.#condition(entries.get('when')?.node, pattern, false) }
  }

  #names(key: string, node: TreeNode | undefined): readonly string[] {
    if (node === undefined) return []
    const items: readonly TreeNode[] = node.items ?? [node]
    const names = items.map(({ value }) => value).filter((value) => typeof value === 'string' && value.trim() !== '')
    if (names.length === items.length && names.length > 0) return names.map((name) => (name as string).trim())
    this.#error(node.position, `\`${key}\` must be a list with at least one name, such as [member].`)
    return []
  }

  #condition(node: TreeNode | undefined, pattern: NamePattern, seesMessage: boolean): Expression<RuleContext> | null {
    if (node === undefined || (seesMessage && node.value === null)) return null
    try {
      return compileCondition(node.value, ruleScope(pattern.parameters, seesMessage))
    } catch (error) {
      if (!(error instanceof ExpressionErrors)) throw error
      for (const { message, path, offset } of error.errors) this.#error(placeInValue(node, path, offset), message)
      return null
    }
  }

  #history(node: TreeNode | undefined): HistoryDeclaration {
    if (node === undefined || node.value === false || node.value === null) return NO_HISTORY
    const must = '`history` must be false, or { count, age } such as { count: 100, age: 1h }'
    const entries = this.#entries(node, must, HISTORY_KEYS)
    if (entries === null) return NO_HISTORY
    if (node.entries?.length === 0)
      this.#error(node.position, '`history` says nothing; give it `count`, `age` or both.')
    const count = entries.get('count')?.node
    const age = entries.get('age')?.node
    const ageMs = age === undefined ? HISTORY_AGE_MS_DEFAULT : parseDurationMs(age.value)
    if (age !== undefined && (ageMs === null || ageMs < HISTORY_AGE_MS_MIN || ageMs > HISTORY_AGE_MS_MAX)) {
      this.#error(age.position, `\`age\` must be a duration from 1s to 30d; it is ${quote(age.value)}.`)
    }
    if (count !== undefined && !isCount(count.value)) {
      this.#error(
        count.position,
        `\`count\` must be a whole number from 1 to ${HISTORY_COUNT_MAX}; it is ${quote(count.value)}.`,
      )
    }
    return Object.freeze({
      count: count === undefined ? HISTORY_COUNT_DEFAULT : Number(count.value),
      ageMs: ageMs ?? HISTORY_AGE_MS_DEFAULT,
    })
  }

  #delivery(node: TreeNode | undefined): ChannelDeclaration['delivery'] {
    if (node === undefined || node.value === 'memory') return 'memory'
    if (node.value !== 'durable') {
      this.#error(node.position, `\`delivery\` must be memory or durable; it is ${quote(node.value)}.`)
    }
    return 'durable'
  }

  #maxBytes(node: TreeNode | undefined): number {
    if (node === undefined) return MESSAGE_BYTES_DEFAULT
    const bytes = parseByteSize(node.value)
    if (bytes !== null && bytes >= 1 && bytes <= MESSAGE_BYTES_MAX) return bytes
    this.#error(node.position, `\`max_bytes\` must be a size from 1 to 1mb, such as 64kb; it is ${quote(node.value)}.`)
    return MESSAGE_BYTES_DEFAULT
  }

  #description(node: TreeNode | undefined): string | null {
    return typeof node?.value === 'string' ? node.value : null
  }

  /** The entries by key, with an issue for each key that is not known; null: it is no object. */
  #entries(node: TreeNode, must: string, keys: readonly string[]): ReadonlyMap<string, TreeEntry> | null {
    if (node.entries === undefined) return this.#error(node.position, `${must}; it is ${quote(node.value)}.`)
    const known = keys === KEYS ? [...keys, ...NOTE_KEYS] : keys
    return knownEntries(node, known, ({ key, keyPosition }, cure) =>
      this.#error(keyPosition, `There is no key \`${key}\` here. ${cure}`),
    )
  }

  #error(position: Position, message: string): null {
    this.#issues.push({ severity: 'error', message, position })
    return null
  }
}

/** `rooms` for `channels/rooms.yaml`, `a/b` for `channels/a/b.yaml`. */
function nameOfFile(file: string): string {
  return file.replace(/^channels\//, '').replace(/\.(?:jsonc?|ya?ml)$/i, '')
}

function isCount(value: Value): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= HISTORY_COUNT_MAX
}
