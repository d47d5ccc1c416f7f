import { StreamstackError } from '@streamstack/protocol'
import { kindOf } from './arguments.ts'
import type { FunctionDefinition } from './function-definition.ts'
import { compileItems } from './items-loop.ts'

export const forEach: FunctionDefinition = {
  name: 'For Each',
  aliases: ['For Each Loop', 'Foreach', 'Loop Over'],
  summary: 'Runs its inner stack once for each item of a list, or of a streamed answer as its items arrive.',
  parameters: {
    input: {
      kind: 'value',
      summary: 'The list, or the result of External API Request (Streaming).',
      type: 'list',
      required: true,
      aliases: ['list', 'items', 'array', 'in'],
    },
  },
  stacks: {
    inner: {
      summary:
        'Steps for each item: `item`, `loop_index` (from 0), `array_length` and `current_batch` (from 1) are set.',
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
    const input = compiler.value(step.parameters['input'])
    compileItems(step, compiler, compiler.resultSlot(step), (frame) => {
      const items = input.evaluate(frame)
      if (typeof items === 'object' && items !== null) return items
      const cure =
        typeof items === 'string'
          ? ' Make a list of it first, for example with {{text.split("\\n")}}.'
          : ' Give it a list; an empty one is [].'
      throw new StreamstackError(
        'step_failed',
        `For Each (step ${step.id}): 'input' must be a list; it is ${kindOf(items)}.${cure}`,
      )
    })
  },
}
