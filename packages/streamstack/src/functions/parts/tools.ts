import { type PublicError, StreamstackError, type Value, publicError } from '@streamstack/protocol'
import { jsonText } from '../../expression/index.ts'
import { type InputChecker, compileInputs, inspectInputs, toolJsonSchema } from '../../input/index.ts'
import { didYouMean, didYouMeanOr } from '../../text/did-you-mean.ts'
import type { StepNode, TreeNode } from '../../definition/types.ts'
import type { Tool, ToolCallItem } from '../../provider/index.ts'
import { END, type Frame, type Strand, execute } from '../../run/index.ts'
import type { Compiler } from './compiler.ts'
import { checkedInputs, faultText, faultWords } from './function-inputs.ts'

/** A function file that a model may call. */
export interface CompiledTool {
  readonly tool: Tool
  /** Name of the function file. */
  readonly file: string
  readonly checker: InputChecker
}

/** What a call of a tool came to, as the model gets it. Plain data. */
export type ToolResult = {
  readonly id: string
  readonly name: string
  /** JSON text of the result or of the error. */
  readonly content: string
  readonly isError: boolean
}

/** Calls of one turn that run at the same time, and the most that run at all: what a model asks for must not take the server. */
const CALLS_AT_ONCE = 8
const CALLS_MAX = 64

/** The most of a result that a model gets. */
const RESULT_CHARACTERS_MAX = 1024 * 1024

/**
 * Function files that an entry of `tools` may name. They are literal, so that only the definition
 * decides what a model can call.
 */
export function toolFiles(step: StepNode): readonly string[] {
  return (step.parameters['tools']?.items ?? []).flatMap((entry) => fileOf(entry) ?? [])
}

function fileOf(entry: TreeNode): string | null {
  if (typeof entry.value === 'string') return entry.value
  const named = entry.entries?.find(({ key }) => key === 'function')?.node.value
  return typeof named === 'string' ? named : null
}

/** Compiles the tools of a step; problems become issues. */
export function compileTools(step: StepNode, compiler: Compiler): readonly CompiledTool[] {
  const tools: CompiledTool[] = []
  for (const entry of step.parameters['tools']?.items ?? []) {
    const tool = compileTool(entry, compiler)
    if (tool === null) continue
    if (tools.some((other) => other.tool.name === tool.tool.name)) {
      compiler.issue(
        'error',
        `Two tools have the name '${tool.tool.name}'; a model could not tell them apart.`,
        entry.position,
      )
    } else tools.push(tool)
  }
  return tools
}

function compileTool(entry: TreeNode, compiler: Compiler): CompiledTool | null {
  const file = fileOf(entry)
  if (file === null) {
    compiler.issue(
      'error',
      'A tool is the name of a function file, or { "function": …, "description": … }.',
      entry.position,
    )
    return null
  }
  const outline = compiler.functionFile(file)
  if (outline === null) {
    const guess = didYouMean(file, compiler.functionNames())
    const cure = didYouMeanOr(guess, 'Put it into functions/.')
    compiler.issue('error', `There is no function file '${file}'. ${cure}`, entry.position)
    return null
  }
  // Faults of the declarations are reported at the declarations.
  if (inspectInputs(outline.inputs).some(({ severity }) => severity === 'error')) return null
  const written = entry.entries?.find(({ key }) => key === 'description')?.node.value
  const description = typeof written === 'string' ? written : (outline.description ?? '')
  if (description === '') {
    const message = `The tool '${file}' has no description; a model chooses by it. Add \`description\` to the function file.`
    compiler.issue('warning', message, entry.position)
  }
  return {
    // Providers allow these characters in names.
    tool: {
      name: file.replaceAll(/[^\w-]/g, '_').slice(0, 64),
      description,
      parameters: toolJsonSchema(outline.inputs),
    },
    file,
    checker: compileInputs(outline.inputs),
  }
}

/**
 * Runs calls side by side and gives their results in the order of the calls. `results` is kept in a slot: a frame that is taken up again
 * goes on with the calls that were not done. What a function throws is the result of its call, for the model; only the end of the run
 * and Stop go through.
 */
export async function runTools(
  frame: Frame,
  parent: Strand,
  calls: readonly ToolCallItem[],
  tools: readonly CompiledTool[],
  resultsSlot: number,
): Promise<void> {
  const { strand, release } = parent.fork()
  const keep = (index: number, result: ToolResult): void => {
    const results = (frame.slots[resultsSlot] as readonly (ToolResult | null)[]).slice()
    results[index] = result
    frame.slots[resultsSlot] = results
  }
  if (frame.branches === null) {
    frame.slots[resultsSlot] = calls.map(() => null)
    frame.branches = calls.map((call, index) => {
      const begun = index < CALLS_MAX ? beginCall(frame, strand, call, tools) : { error: TOO_MANY }
      if (!('error' in begun)) return begun
      keep(index, failedCall(call, begun.error))
      return null
    })
  }
  const frames = frame.branches
  let failure: { thrown: unknown } | null = null
  const work = async (index: number, call: ToolCallItem, branch: Frame): Promise<void> => {
    try {
      await execute(strand, branch)
      const { resultSlot } = strand.run.program(branch.program)
      const content = jsonText(branch.slots[resultSlot] ?? null, RESULT_CHARACTERS_MAX)
      keep(index, { id: call.id, name: call.name, content, isError: false })
    } catch (thrown) {
      if (typeof thrown !== 'symbol') {
        keep(index, failedCall(call, publicError(strand.run.told(thrown))))
        return
      }
      if (thrown !== END) failure ??= { thrown }
      strand.end()
    } finally {
      frames[index] = null
    }
  }
  let next = 0
  const workInTurn = async (): Promise<void> => {
    while (next < frames.length && failure === null && !strand.isEnding) {
      const index = next++
      const branch = frames[index] ?? null
      if (branch !== null) await work(index, calls[index] as ToolCallItem, branch)
    }
  }
  try {
    await Promise.all(Array.from({ length: CALLS_AT_ONCE }, workInTurn))
  } finally {
    release()
  }
  if (parent.isEnding) throw END
  if (failure !== null) throw (failure as { thrown: unknown }).thrown
}

const TOO_MANY = fault('limit_exceeded', `A turn may have ${CALLS_MAX} calls; this one is not among them.`)

/** The frame of a call, or why it cannot begin. */
function beginCall(
  frame: Frame,
  strand: Strand,
  call: ToolCallItem,
  tools: readonly CompiledTool[],
): Frame | { error: PublicError } {
  const tool = tools.find((one) => one.tool.name === call.name)
  if (tool === undefined) return { error: fault('step_failed', `There is no tool '${call.name}'.`) }
  if (call.arguments === null) return { error: fault('input_invalid', 'The arguments are not a JSON object.') }
  const known = new Set(Object.keys((tool.tool.parameters['properties'] ?? {}) as object))
  const unknown = Object.keys(call.arguments).filter((name) => !known.has(name))
  if (unknown.length > 0) return { error: fault('input_invalid', `The tool has no input '${unknown.join("', '")}'.`) }
  const { values, faults } = checkedInputs(tool.checker, call.arguments)
  if (faults.length > 0) return { error: fault('input_invalid', `${faultText(faultWords(faults))}.`) }
  try {
    return strand.newCall(frame, tool.file, new Map(Object.entries(values)))
  } catch (thrown) {
    return { error: publicError(strand.run.told(thrown)) }
  }
}

function fault(code: 'step_failed' | 'input_invalid' | 'limit_exceeded', message: string): PublicError {
  return publicError(new StreamstackError(code, message))
}

function failedCall({ id, name }: ToolCallItem, { code, message }: PublicError): ToolResult {
  return { id, name, content: JSON.stringify({ error: { code, message } }), isError: true }
}

/** A result as readers get it. */
export function toolResultContent({ id, name, content, isError }: ToolResult): Value {
  const value = JSON.parse(content) as { readonly error?: Value }
  return isError
    ? { id, name, result: null, error: value.error ?? null }
    : { id, name, result: value as Value, error: null }
}
