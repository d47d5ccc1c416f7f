import type { Value } from '@streamstack/protocol'
import type { StepNode } from '../../definition/types.ts'
import { type ProviderItem, ProviderSource } from '../../provider/index.ts'
import type { Frame } from '../../run/index.ts'
import { argumentFault, kindOf } from '../parts/arguments.ts'
import type { Compiler, StepSource } from '../parts/compiler.ts'
import type { FunctionDefinition } from '../parts/function-definition.ts'
import { compileItems, isSourceHandle } from '../parts/items-loop.ts'
import { wholeVariable } from '../parts/raw-records.ts'
import { compileRelay, beginRelay } from '../parts/relay.ts'

export const forEach: FunctionDefinition = {
  name: 'For Each',
  aliases: ['For Each Loop', 'Foreach', 'Loop Over'],
  summary: 'Runs its inner stack once for each item of a list, or of a streamed answer as its items arrive.',
  parameters: {
    input: {
      kind: 'value',
      summary:
        'The list, or the result of External API Request (Streaming). Without it, the streamed answer that a step before has opened.',
      type: 'list',
      aliases: ['list', 'items', 'array', 'in'],
    },
  },
  stacks: {
    inner: {
      summary:
        "Steps for each item: `item`, `loop_index` (from 0), `array_length` and `current_batch` (from 1) are set. Without steps, or with a description in words, each item of a model's answer is sent to the response as it arrives.",
      takesWords: true,
      aliases: ['inner_functions', 'inner_logic', 'processing', 'steps', 'do', 'function_stack', 'stack', 'each'],
    },
  },
  hasResult: true,
  examples: [
    {
      title: 'One chunk for each item',
      stack: [
        {
          function: 'For Each',
          input: ['a', 'b'],
          inner_functions: [{ function: 'Streaming API Response', content: '{{loop_index}}: {{item}}' }],
        },
      ],
      sends: ['0: a', '1: b'],
    },
    {
      title: 'Loops in loops; `as` names the item',
      stack: [
        {
          function: 'For Each',
          input: [[1, 2], [3]],
          as: 'row',
          inner_functions: [
            {
              function: 'For Each',
              input: '{{row}}',
              inner_functions: [{ function: 'Streaming API Response', content: '{{item}} of {{array_length}}' }],
            },
          ],
        },
      ],
      sends: ['1 of 2', '2 of 2', '3 of 1'],
    },
  ],
  compile(step, compiler) {
    const input = compileInput(step, compiler)
    if (input === null) return
    const { itemsOf, source } = input
    warnOfWords(step, compiler, source)
    const loop = { itemsOf, named: compiler.resultSlot(step), mayBeSource: source !== null }
    if ((step.stacks['inner'] ?? []).length > 0) return compileItems(step, compiler, loop)
    const progress = beginRelay(compiler)
    const relay = ({ items, item }: { items: number; item: number }): void =>
      compileRelay(compiler, {
        shape: null,
        slots: progress,
        itemOf(frame, strand) {
          const handle = frame.slots[items] as Value
          const isModel = isSourceHandle(handle) && strand.run.source(handle.$source) instanceof ProviderSource
          return isModel ? (frame.slots[item] as ProviderItem) : null
        },
      })
    compileItems(step, compiler, { ...loop, inner: relay })
  },
}

interface LoopInput {
  readonly itemsOf: (frame: Frame) => Value
  /** The streamed answer that it is, as far as the definition tells. */
  readonly source: StepSource | null
}

/** What the loop goes through. Null: an issue says why not. */
function compileInput(step: StepNode, compiler: Compiler): LoopInput | null {
  const node = step.parameters['input']
  if (node !== undefined) {
    const input = compiler.value(node)
    const variable = wholeVariable(node.value)
    const slot = variable === null ? -1 : compiler.variable(variable)
    const source = compiler.sources.findLast((one) => one.slot === slot) ?? null
    return { itemsOf: (frame) => listOf(step, input.evaluate(frame)), source }
  }
  const source = compiler.sources.at(-1)
  if (source === undefined) {
    const message =
      'For Each needs `input`: the list; only behind External API Request (Streaming) it goes through that answer by itself.'
    compiler.issue('error', message, step.position)
    return null
  }
  return { itemsOf: (frame) => listOf(step, frame.slots[source.slot] ?? null), source }
}

/** Words describe what the step does by itself; over anything but a model's answer it does nothing by itself. */
function warnOfWords(step: StepNode, compiler: Compiler, source: StepSource | null): void {
  if (step.words['inner'] === undefined || source?.isModel === true) return
  const message = 'The steps for each item are described in words, which do not run; write steps instead.'
  compiler.issue('warning', message, step.position)
}

function listOf(step: StepNode, items: Value): Value {
  if (typeof items === 'object' && items !== null) return items
  const cure =
    typeof items === 'string'
      ? ' Make a list of it first, for example with {{text.split("\\n")}}.'
      : ' Give it a list; an empty one is [].'
  throw argumentFault(step, 'input', `must be a list; it is ${kindOf(items)}.${cure.replace(/\.$/, '')}`)
}
