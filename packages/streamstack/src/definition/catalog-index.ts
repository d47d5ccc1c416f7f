import type { FunctionShape, ParameterShape, StackShape } from './types.ts'

/** What a key of a step stands for, by canonical name; a key that can mean both is told apart by its value. */
export interface KeyMeaning {
  parameter: { name: string; shape: ParameterShape } | null
  stack: { name: string; shape: StackShape } | null
}

/** One function with its keys resolved: canonical names and aliases alike. */
export interface IndexedFunction {
  shape: FunctionShape
  keys: ReadonlyMap<string, KeyMeaning>
  /** Every key that a step of this function may have, for suggestions. */
  keyNames: readonly string[]
}

/** The catalog, ready for look-ups. */
export interface CatalogIndex {
  /** Names and aliases as written, for suggestions. */
  names: readonly string[]
  /** Finds a function whatever the case, spaces and punctuation of `name`. */
  find(name: string): IndexedFunction | undefined
}

const known = new WeakMap<readonly FunctionShape[], CatalogIndex>()

/** Indexes a catalog once; the same array gives the same index. */
export function indexCatalog(catalog: readonly FunctionShape[]): CatalogIndex {
  const existing = known.get(catalog)
  if (existing !== undefined) return existing
  const byName = new Map<string, IndexedFunction>()
  const names: string[] = []
  for (const shape of catalog) {
    const indexed = indexFunction(shape)
    for (const name of [shape.name, ...(shape.aliases ?? [])]) {
      names.push(name)
      const simple = simplified(name)
      // A canonical name beats another function's alias; among aliases the first of the list wins.
      if (!byName.has(simple) || name === shape.name) byName.set(simple, indexed)
    }
  }
  const index: CatalogIndex = { names, find: (name) => byName.get(simplified(name)) }
  known.set(catalog, index)
  return index
}

function indexFunction(shape: FunctionShape): IndexedFunction {
  const keys = new Map<string, KeyMeaning>()
  const parameters = Object.entries(shape.parameters)
  const stacks = Object.entries(shape.stacks ?? {})
  // Canonical names go first, so that no alias of another parameter takes them.
  for (const [name, parameter] of parameters) add(keys, name, { name, shape: parameter }, null)
  for (const [name, stack] of stacks) add(keys, name, null, { name, shape: stack })
  for (const [name, parameter] of parameters) {
    for (const alias of parameter.aliases ?? []) add(keys, alias, { name, shape: parameter }, null)
  }
  for (const [name, stack] of stacks) {
    for (const alias of stack.aliases ?? []) add(keys, alias, null, { name, shape: stack })
  }
  return { shape, keys, keyNames: [...keys.keys()] }
}

function add(
  keys: Map<string, KeyMeaning>,
  key: string,
  parameter: KeyMeaning['parameter'],
  stack: KeyMeaning['stack'],
): void {
  const known = keys.get(key)
  keys.set(key, { parameter: known?.parameter ?? parameter, stack: known?.stack ?? stack })
}

function simplified(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')
}
