import type { WidgetSource } from '@streamstack/protocol'
import type { Position, TreeNode } from '../definition/index.ts'
import { SOURCE_KEYS } from './component-words.ts'
import { FieldReader } from './field-reader.ts'
import { type KnownSources, channelSource, endpointSource, sourceOfText } from './source.ts'
import { type KnownMetric, metricOfWords } from './vocabulary.ts'

/** Reads what widgets of every kind have: fields, a source, and numbers by their words. */
export class WidgetFields extends FieldReader {
  readonly #known: KnownSources

  constructor(known: KnownSources) {
    super()
    this.#known = known
  }

  /** Returns where a widget reads; null if the key is missing or invalid. */
  source(node: TreeNode | undefined): WidgetSource | null {
    if (node === undefined) return null
    if (typeof node.value === 'string') return this.#checked(sourceOfText(node.value, this.#known), node.position)
    const entries = this.entries(node, 'A source', SOURCE_KEYS)
    if (entries === null) return null
    const texts = this.texts(entries, ['stream', 'channel', 'endpoint', 'history'])
    const named = ['stream', 'channel', 'endpoint'].filter((key) => Object.hasOwn(texts, key))
    if (named.length !== 1) {
      this.error(node.position, 'A source must have exactly one of `stream`, `channel` and `endpoint`.')
      return null
    }
    const found =
      texts['channel'] !== undefined
        ? channelSource(texts['channel'], this.#known)
        : texts['endpoint'] !== undefined
          ? endpointSource(texts['endpoint'], this.#known)
          : sourceOfText(texts['stream'] ?? '', this.#known)
    const source = this.#checked(found, node.position)
    const inputs = entries.get('inputs')?.node.value
    if (source === null) return null
    const given =
      inputs !== null && typeof inputs === 'object' && !Array.isArray(inputs)
        ? { inputs: inputs as Record<string, unknown> }
        : {}
    return { ...source, ...given, ...(texts['history'] === undefined ? {} : { history: texts['history'] }) }
  }

  #checked(found: WidgetSource | { readonly problem: string }, position: Position): WidgetSource | null {
    if (!('problem' in found)) return found
    this.error(position, found.problem)
    return null
  }

  /** Returns the number that words name. In sources other than `system/metrics` it is the member of that name. */
  metric(words: string, position: Position, { stream }: WidgetSource): KnownMetric['widget'] | null {
    if (stream !== 'system/metrics') return { path: memberOf(words) }
    const known = metricOfWords(words)
    if (!('problem' in known)) return known.widget
    this.error(position, known.problem)
    return null
  }
}

/** `Active users` → `active_users`, `Orders` → `orders`; what is a path already stays, as `totalEur` and `EUR` are. */
function memberOf(words: string): string {
  const isTitle = /^\p{Lu}\p{Ll}+$/u.test(words)
  return /^[\w.]+$/.test(words) && !isTitle
    ? words
    : words
        .toLowerCase()
        .trim()
        .replace(/[^\p{L}\p{N}]+/gu, '_')
        .replace(/^_|_$/g, '')
}
