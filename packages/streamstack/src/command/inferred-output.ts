import { type FunctionFile, type StepNode, type TreeNode, literalText } from '../definition/index.ts'
import { allSteps } from '../plan/index.ts'
import { type TableDeclaration, columnOf, shownColumns } from '../table/index.ts'

/** What the chunks of a stack hold, as TypeScript; null: the stack does not tell. */
export interface InferredOutput {
  readonly content: string | null
  readonly metadata: string | null
}

export interface InferenceContext {
  readonly functionFiles: ReadonlyMap<string, FunctionFile>
  readonly tables: readonly TableDeclaration[]
}

const UNKNOWN = 'unknown'

/** Built-ins whose values are numbers in every stack. */
const NUMBER = /^\{\{\s*(?:loop_index|array_length|current_batch|elapsed_time|estimated_total)\s*\}\}$/

/** Ways to cut that make texts of every content. */
const TEXT_PIECES = ['words', 'characters', 'sentences', 'lines']

const COLUMN_TYPES = {
  integer: 'number',
  number: 'number',
  text: 'string',
  uuid: 'string',
  timestamp: 'string',
  boolean: 'boolean',
  json: UNKNOWN,
} as const

/** Types of all chunks of the kinds `text` and `json` that the steps of a stack can send, from what is written in the steps. */
export function inferredOutput(stack: readonly StepNode[], context: InferenceContext): InferredOutput {
  const inference = new Inference(context)
  inference.read(stack)
  return { content: inference.content(), metadata: inference.metadata() }
}

class Inference {
  readonly #context: InferenceContext
  readonly #contents = new Set<string>()
  /** Of each step that sends any: name → type. */
  readonly #metadata: ReadonlyMap<string, string>[] = []
  readonly #visited = new Set<string>()
  #hasUnknownMetadata = false

  constructor(context: InferenceContext) {
    this.#context = context
  }

  read(stack: readonly StepNode[]): void {
    for (const step of allSteps(stack)) if (!step.disabled) this.#step(step)
  }

  content(): string | null {
    return this.#contents.size === 0 || this.#contents.has(UNKNOWN) ? null : [...this.#contents].join(' | ')
  }

  metadata(): string | null {
    if (this.#hasUnknownMetadata || this.#metadata.length === 0) return null
    const names = new Set(this.#metadata.flatMap((one) => [...one.keys()]))
    const members = [...names].map((name) => {
      const types = new Set(this.#metadata.flatMap((one) => one.get(name) ?? []))
      const mark = this.#metadata.every((one) => one.has(name)) ? '' : '?'
      return `${JSON.stringify(name)}${mark}: ${types.has(UNKNOWN) ? UNKNOWN : [...types].join(' | ')}`
    })
    // Pieces of a content have further members.
    return `{ ${[...members, '[name: string]: unknown'].join('; ')} }`
  }

  #step(step: StepNode): void {
    const { parameters } = step
    switch (step.function) {
      case 'Streaming API Response':
      case 'Response':
        return this.#sent(step)
      case 'AI Reply':
        if (parameters['send']?.value === false) return
        this.#contents.add('string')
        this.#hasUnknownMetadata = true
        return
      case 'Get Records':
        if (parameters['chunk_by'] === undefined) return
        this.#contents.add(`readonly ${this.#row(step)}[]`)
        return this.#takeMetadata(parameters['metadata'])
      case 'Run Function': {
        const name = literalText(parameters['name'])
        if (this.#visited.has(name)) return
        this.#visited.add(name)
        this.read(this.#context.functionFiles.get(name)?.stack ?? [])
      }
    }
  }

  #sent({ parameters }: StepNode): void {
    const { content, kind, chunk_by: chunkBy, metadata } = parameters
    if (kind !== undefined && kind.value !== 'text' && kind.value !== 'json') return
    if (content === undefined || content.value === null) return
    if (chunkBy === undefined) this.#contents.add(typeOfNode(content))
    else this.#contents.add(TEXT_PIECES.some((unit) => unit === chunkBy.value) ? 'string' : UNKNOWN)
    this.#takeMetadata(metadata)
  }

  #takeMetadata(node: TreeNode | undefined): void {
    if (node === undefined || node.value === null) return
    if (node.entries === undefined) this.#hasUnknownMetadata = true
    else this.#metadata.push(new Map(node.entries.map(({ key, node: value }) => [key, typeOfNode(value)])))
  }

  #row({ parameters }: StepNode): string {
    const table = this.#context.tables.find(({ name }) => name === literalText(parameters['table']))
    const named = parameters['columns']?.value
    const names = named === undefined || table === undefined ? null : [named].flat()
    const columns = names === null ? (table === undefined ? [] : shownColumns(table)) : namedColumns(table, names)
    if (columns.length === 0) return '{ readonly [name: string]: unknown }'
    const members = columns.map(({ name, type, required, primary }) => {
      const isNullable = !required && !primary
      return `${JSON.stringify(name)}: ${COLUMN_TYPES[type]}${isNullable && type !== 'json' ? ' | null' : ''}`
    })
    return `{ ${members.join('; ')} }`
  }
}

/** Empty where a name is computed, or is none of a column. */
function namedColumns(table: TableDeclaration | undefined, names: readonly unknown[]): TableDeclaration['columns'] {
  const columns = names.map((name) =>
    table === undefined || typeof name !== 'string' ? undefined : columnOf(table, name),
  )
  return columns.every((column) => column !== undefined) ? columns : []
}

/** A text that is one whole `{{ }}` keeps the type of its value, which nothing here knows. */
function typeOfNode({ value, entries, items }: TreeNode): string {
  if (entries !== undefined) {
    return entries.length === 0
      ? '{}'
      : `{ ${entries.map(({ key, node }) => `${JSON.stringify(key)}: ${typeOfNode(node)}`).join('; ')} }`
  }
  if (items !== undefined) {
    const types = new Set(items.map(typeOfNode))
    return `readonly (${types.size === 0 || types.has(UNKNOWN) ? UNKNOWN : [...types].join(' | ')})[]`
  }
  if (typeof value !== 'string') return value === null ? 'null' : typeof value
  if (NUMBER.test(value)) return 'number'
  const isWhole = /^\s*\{\{[^]*\}\}\s*$/.test(value) && value.split('{{').length === 2
  return isWhole ? UNKNOWN : 'string'
}
