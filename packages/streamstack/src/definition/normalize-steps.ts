import { didYouMean, didYouMeanOr, suggest } from '../text/did-you-mean.ts'
import type { CatalogIndex, IndexedFunction } from './catalog-index.ts'
import { checkParameter, isVariableName } from './check-parameter.ts'
import { isProse, isStep } from './is-step.ts'
import type { IssueList } from './issue-list.ts'
import { normalizeBranches, normalizeCases, type StackReader } from './normalize-cases.ts'
import { isNoteKey } from './notes.ts'
import { entryOf, kindOf, quote } from './tree.ts'
import type { CaseNode, StackShape, StepNode, TreeEntry, TreeNode } from './types.ts'

/** Names that other tools and languages use, in lower case without spaces, whose spelling is far from ours. */
const ofOtherTools: ReadonlyMap<string, string> = new Map([
  ...['fetch', 'axios', 'curl', 'http', 'get', 'post', 'webhook'].map(
    (name) => [name, 'External API Request'] as const,
  ),
  ...['chunk', 'emit', 'print', 'respond', 'respondtowebhook', 'send', 'stream', 'write', 'yield'].map(
    (name) => [name, 'Streaming API Response'] as const,
  ),
  ...['aiagent', 'chatcompletion', 'chatgpt', 'llm', 'openai'].map((name) => [name, 'AI Reply'] as const),
  ...['loop', 'loopoveritems', 'map'].map((name) => [name, 'For Each'] as const),
  ...['set', 'setfields', 'editfields'].map((name) => [name, 'Create Variable'] as const),
  ['else', 'Conditional'],
])

/** What every part of one file's normalisation shares. */
export interface StepContext {
  catalog: CatalogIndex
  list: IssueList
}

/** Keys under which a step may gather its parameters, as `configuration: { url, method }`. */
const LIFTED_KEYS: ReadonlySet<string> = new Set(['configuration', 'config', 'parameters'])

/** Keys that every step may have besides its function's own. */
const COMMON_KEYS: readonly string[] = ['function', 'step', 'label', 'as', 'disabled', 'description']

/**
 * Normalises a list of steps. `idPrefix` is '' for an endpoint's own stack, `3.inner.` for an inner one; `place` names the
 * list in messages. One step without a list around it, and `{ steps: […] }`, count as the list.
 */
export function normalizeStack(
  node: TreeNode,
  idPrefix: string,
  place: string,
  context: StepContext,
): readonly StepNode[] {
  if (isProse(node)) {
    context.list.warning(node.position, `${place} is described in words, which do not run; write steps instead.`)
    return []
  }
  if (node.value === null) return []
  if (node.entries !== undefined && !isStep(node)) {
    const nested = node.entries.find((entry) => entry.key === 'function_stack' || entry.key === 'steps')
    if (nested !== undefined && node.entries.every((entry) => entry === nested || isNoteKey(entry.key))) {
      return normalizeStack(nested.node, idPrefix, place, context)
    }
  }
  const items = node.entries === undefined ? node.items : [node]
  if (items === undefined) {
    context.list.error(node.position, `${place} must be a list of steps; it is ${kindOf(node.value)}.`)
    return []
  }
  const steps: StepNode[] = []
  let number = 0
  for (const item of items) {
    const step = normalizeStep(item, `${idPrefix}${item.stepId ?? ++number}`, context)
    if (step !== null) steps.push(step)
  }
  return Object.freeze(steps)
}

function normalizeStep(node: TreeNode, id: string, context: StepContext): StepNode | null {
  const { list } = context
  if (node.entries === undefined) {
    list.error(
      node.position,
      `A step is an object such as { "function": "For Each", … }; this is ${kindOf(node.value)}.`,
    )
    return null
  }
  const found = findFunction(node, context)
  if (found === null) return null
  const { indexed, remark } = found
  const { shape } = indexed
  const step = {
    id,
    function: shape.name,
    label: labelOf(node, indexed) ?? remark,
    position: node.position,
    parameters: {} as Record<string, TreeNode>,
    stacks: {} as Record<string, readonly StepNode[]>,
    words: {} as Record<string, readonly string[]>,
    cases: {} as Record<string, readonly CaseNode[]>,
    as: shape.resultDefault ?? null,
    disabled: false,
  }
  /** Canonical name → the key that gave it; also for faulty values, so that they are not reported as missing too. */
  const given = new Map<string, string>()
  for (const entry of entriesOf(node, indexed)) {
    const meaning = indexed.keys.get(entry.key)
    if (meaning === undefined) {
      readCommonKey(entry, step, indexed, list)
      continue
    }
    const holdsStack = meaning.stack !== null && (meaning.parameter === null || typeof entry.node.value === 'object')
    const name = (holdsStack ? meaning.stack : meaning.parameter)?.name ?? entry.key
    const earlier = given.get(name)
    if (earlier !== undefined) {
      list.error(entry.keyPosition, `\`${entry.key}\` says the same as \`${earlier}\` of this step; remove one.`)
      continue
    }
    given.set(name, entry.key)
    if (holdsStack && meaning.stack !== null) readStack(entry, name, meaning.stack.shape, step, context)
    else if (meaning.parameter !== null) {
      const place = `\`${entry.key}\` of ${shape.name}`
      const value = checkParameter(place, meaning.parameter.shape, entry.node, list)
      if (value !== null) step.parameters[name] = value
    }
  }
  reportMissing(node, indexed, given, list)
  Object.freeze(step.parameters)
  Object.freeze(step.stacks)
  Object.freeze(step.words)
  Object.freeze(step.cases)
  return Object.freeze(step)
}

function findFunction(
  node: TreeNode,
  { catalog, list }: StepContext,
): { indexed: IndexedFunction; remark: string | null } | null {
  const entry = entryOf(node, 'function')
  if (entry === undefined) {
    const implied = entryOf(node, 'variables')
      ? 'Create Variables'
      : entryOf(node, 'updates')
        ? 'Update Variables'
        : null
    const indexed = implied === null ? undefined : catalog.find(implied)
    if (indexed !== undefined) return { indexed, remark: null }
    list.error(node.position, 'The step names no function; add "function": "…".')
    return null
  }
  const name = entry.node.value
  if (typeof name !== 'string' || name.trim() === '') {
    list.error(entry.node.position, `\`function\` must be the name of a function; it is ${quote(name)}.`)
    return null
  }
  const whole = catalog.find(name)
  if (whole !== undefined) return { indexed: whole, remark: null }
  const split = /^(.*\S)\s*\(([^()]*)\)\s*$/.exec(name)
  const bare = split === null ? undefined : catalog.find(split[1] ?? '')
  if (bare !== undefined) return { indexed: bare, remark: split?.[2]?.trim() ?? null }
  const other = ofOtherTools.get(name.toLowerCase().replaceAll(/[\s_-]/g, ''))
  const suggestion =
    (other === undefined ? undefined : catalog.find(other)?.shape.name) ??
    didYouMean(split?.[1] ?? name, catalog.names) ??
    didYouMean(name, catalog.names)
  const cure = didYouMeanOr(suggestion, 'The reference lists all functions.')
  list.error(entry.node.position, `There is no function ${quote(name)}. ${cure}`)
  return null
}

/** The entries of a step, with those under `configuration` brought up to it. */
function* entriesOf(node: TreeNode, indexed: IndexedFunction): Generator<TreeEntry> {
  for (const entry of node.entries ?? []) {
    if (LIFTED_KEYS.has(entry.key) && !indexed.keys.has(entry.key) && entry.node.entries !== undefined) {
      yield* entry.node.entries
    } else yield entry
  }
}

function labelOf(node: TreeNode, indexed: IndexedFunction): string | null {
  for (const key of ['step', 'label']) {
    const value = indexed.keys.has(key) ? undefined : entryOf(node, key)?.node.value
    // `step: 1` only counts; the step's id does that already.
    if (typeof value === 'string' && value.trim() !== '' && !/^\d+$/.test(value.trim())) return value.trim()
  }
  return null
}

function readCommonKey(
  entry: TreeEntry,
  step: { as: string | null; disabled: boolean },
  indexed: IndexedFunction,
  list: IssueList,
): void {
  const { shape } = indexed
  const { value, position } = entry.node
  switch (entry.key) {
    case 'function':
      return
    case 'step':
    case 'label':
      if (typeof value === 'string' || typeof value === 'number' || value === null) return
      list.error(position, `\`${entry.key}\` must be a number or words; it is ${kindOf(value)}.`)
      return
    case 'as':
      if (shape.hasResult !== true && shape.resultDefault === undefined) {
        list.error(entry.keyPosition, `${shape.name} has no result; remove \`as\`.`)
      } else if (typeof value === 'string' && isVariableName(value)) step.as = value
      else if (value !== null) {
        list.error(position, `\`as\` must be the name of a variable, without {{ }}; it is ${quote(value)}.`)
      }
      return
    case 'disabled':
      if (typeof value === 'boolean') step.disabled = value
      else list.error(position, `\`disabled\` must be true or false; it is ${quote(value)}.`)
      return
    default: {
      if (isNoteKey(entry.key)) return
      const suggestion = didYouMean(entry.key, [...indexed.keyNames, ...COMMON_KEYS])
      const takes = Object.keys(shape.parameters).concat(Object.keys(shape.stacks ?? {}))
      const cure =
        suggestion !== null
          ? suggest(suggestion)
          : takes.length === 0
            ? 'It takes no parameters.'
            : `It takes ${takes.map((name) => `\`${name}\``).join(', ')}.`
      list.error(entry.keyPosition, `${shape.name} has no parameter \`${entry.key}\`. ${cure}`)
    }
  }
}

function readStack(
  entry: TreeEntry,
  name: string,
  stack: StackShape,
  step: {
    id: string
    stacks: Record<string, readonly StepNode[]>
    words: Record<string, readonly string[]>
    cases: Record<string, readonly CaseNode[]>
  },
  context: StepContext,
): void {
  const place = `\`${entry.key}\``
  const id = `${step.id}.${name}`
  const read: StackReader = (node, idPrefix, stackPlace) => normalizeStack(node, idPrefix, stackPlace, context)
  const { list } = context
  if (stack.form === 'cases') {
    step.cases[name] = normalizeCases(entry.node, id, place, stack.when ?? 'condition', list, read)
  } else if (stack.form === 'branches') step.cases[name] = normalizeBranches(entry.node, id, place, list, read)
  else if (stack.takesWords === true && isProse(entry.node)) step.words[name] = linesOf(entry.node)
  else step.stacks[name] = normalizeStack(entry.node, `${id}.`, place, context)
}

function linesOf(node: TreeNode): readonly string[] {
  return Object.freeze((node.items ?? [node]).flatMap(({ value }) => (typeof value === 'string' ? [value] : [])))
}

function reportMissing(
  node: TreeNode,
  { shape }: IndexedFunction,
  given: ReadonlyMap<string, string>,
  list: IssueList,
): void {
  for (const [name, part] of [...Object.entries(shape.parameters), ...Object.entries(shape.stacks ?? {})]) {
    if (part.required === true && !given.has(name)) {
      list.error(node.position, `${shape.name} needs \`${name}\`: ${part.summary}`)
    }
  }
}
