import { didYouMean, suggest } from '../text/did-you-mean.ts'
import { isStep } from './is-step.ts'
import type { IssueList } from './issue-list.ts'
import { SETTINGS_KEYS } from './normalize-settings.ts'
import { isNoteKey } from './notes.ts'
import { entryOf, kindOf } from './tree.ts'
import type { TreeEntry, TreeNode } from './types.ts'

/** Where the parts of a definition stand in its file. */
export interface Sections {
  /** Entries of `endpoint_settings` and settings that stand beside the stack. */
  settings: readonly TreeEntry[]
  inputs: TreeNode | null
  output: TreeNode | null
  stack: TreeNode | null
  /** A description that stands outside `endpoint_settings`. */
  description: string | null
}

const SETTINGS_SECTIONS: readonly string[] = ['endpoint_settings', 'settings']
const INPUT_SECTIONS: readonly string[] = ['input_parameters', 'inputs', 'parameters']
const STACK_SECTIONS: readonly string[] = ['function_stack', 'stack', 'steps']

/** Numbers that wrappers repeat from their stack's loop; named because `max_batches` is near `max_bytes`. */
const LOOP_NOTES: ReadonlySet<string> = new Set(['batch_size', 'max_batches'])

/** How deep a stack may be wrapped. */
const WRAPPER_DEPTH_MAX = 8

/**
 * Finds settings, inputs and stack. They stand at the top of the file, or inside one wrapper such as
 * `"large_dataset_streaming": { "scenario": …, "implementation": { "function_stack": […] } }`; a list of steps alone is a stack.
 */
export function locateSections(root: TreeNode, list: IssueList): Sections {
  if (root.items !== undefined) return { settings: [], inputs: null, output: null, stack: root, description: null }
  const locator = new Locator(list)
  if (root.entries === undefined) {
    list.error(root.position, `The file must hold an object with \`function_stack\`; it holds ${kindOf(root.value)}.`)
  } else {
    locator.visit(root, false)
    if (locator.stack === null) {
      list.error(root.position, 'The file has no `function_stack`; add "function_stack": [ … ] with the steps.')
    }
  }
  return {
    settings: locator.settings,
    inputs: locator.inputs?.node ?? null,
    output: locator.output?.node ?? null,
    stack: locator.stack?.node ?? null,
    description: locator.description,
  }
}

class Locator {
  readonly settings: TreeEntry[] = []
  inputs: TreeEntry | null = null
  output: TreeEntry | null = null
  stack: TreeEntry | null = null
  description: string | null = null
  readonly #list: IssueList

  constructor(list: IssueList) {
    this.#list = list
  }

  visit(node: TreeNode, inWrapper: boolean): void {
    for (const entry of node.entries ?? []) this.#entry(entry, inWrapper)
  }

  #entry(entry: TreeEntry, inWrapper: boolean): void {
    const { key, node } = entry
    if (SETTINGS_SECTIONS.includes(key)) {
      if (node.entries !== undefined) this.settings.push(...node.entries)
      else if (node.value !== null) {
        this.#list.error(node.position, `\`${key}\` must be an object; it is ${kindOf(node.value)}.`)
      }
    } else if (INPUT_SECTIONS.includes(key)) {
      if (this.inputs !== null) this.#second(entry, this.inputs)
      else this.inputs = entry
    } else if (key === 'output' && node.entries !== undefined) {
      if (this.output !== null) this.#second(entry, this.output)
      else this.output = entry
    } else if (STACK_SECTIONS.includes(key)) this.#take(entry)
    else if (key === 'implementation') {
      if (node.items !== undefined) this.#take(entry)
      else this.visit(node, true)
    } else if (SETTINGS_KEYS.includes(key)) this.settings.push(entry)
    else if (key === 'description') this.description ??= typeof node.value === 'string' ? node.value : null
    else if (isNoteKey(key) || key === 'name') return
    else if (isStepList(node)) this.#take(entry)
    else if (holdsStack(node, WRAPPER_DEPTH_MAX)) this.visit(node, true)
    else this.#unknown(entry, inWrapper)
  }

  #take(entry: TreeEntry): void {
    if (this.stack !== null) this.#second(entry, this.stack)
    else this.stack = entry
  }

  #second(entry: TreeEntry, first: TreeEntry): void {
    const place = `\`${first.key}\` on line ${first.keyPosition.line}`
    this.#list.error(entry.keyPosition, `\`${entry.key}\` says again what ${place} says; a file holds one endpoint.`)
  }

  #unknown(entry: TreeEntry, inWrapper: boolean): void {
    const { key, keyPosition, node } = entry
    const suggestion = LOOP_NOTES.has(key)
      ? null
      : didYouMean(key, [...SETTINGS_SECTIONS, ...INPUT_SECTIONS, 'output', ...STACK_SECTIONS, ...SETTINGS_KEYS])
    if (suggestion !== null) {
      this.#list.error(keyPosition, `\`${key}\` is not known here. ${suggest(suggestion)}`)
    } else if (!inWrapper || !isWords(node)) {
      // Words inside a wrapper can only be a description; anything else may be meant to have an effect.
      this.#list.warning(
        keyPosition,
        `\`${key}\` is a note here and changes nothing; a value that steps use belongs into the \`variables\` of a step.`,
      )
    }
  }
}

/** Nothing but words, however deep. */
function isWords(node: TreeNode): boolean {
  if (node.items !== undefined) return node.items.every(isWords)
  if (node.entries !== undefined) return node.entries.every((entry) => isWords(entry.node))
  return typeof node.value === 'string'
}

function isStepList(node: TreeNode): boolean {
  return node.items !== undefined && node.items.some(isStep)
}

function holdsStack(node: TreeNode, depth: number): boolean {
  if (node.entries === undefined || depth === 0) return false
  if (STACK_SECTIONS.some((key) => entryOf(node, key)?.node.items !== undefined)) return true
  return node.entries.some(
    ({ key, node: inner }) => !isNoteKey(key) && (isStepList(inner) || holdsStack(inner, depth - 1)),
  )
}
