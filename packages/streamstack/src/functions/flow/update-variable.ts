import { literalText } from '../../definition/index.ts'
import { action } from '../parts/action.ts'
import { checkUpdated } from '../parts/check-updated.ts'

export const updateVariable = action({
  name: 'Update Variable',
  aliases: ['Update Var'],
  summary: 'Gives a variable a new value.',
  updatesOnly: true,
  parameters: {
    name: { kind: 'variable', summary: 'Name of the variable.', required: true },
    value: { kind: 'value', summary: 'Its new value.', type: 'any', required: true },
  },
  examples: [
    {
      title: 'Counting up',
      stack: [
        { function: 'Create Variable', name: 'count', value: 1 },
        { function: 'Update Variable', name: 'count', value: '{{count + 1}}' },
        { function: 'Streaming API Response', content: '{{count}}' },
      ],
      sends: [2],
    },
  ],
  prepare(step, compiler) {
    const node = step.parameters['name']
    const name = literalText(node)
    checkUpdated(compiler, name, node?.position ?? step.position)
    const slot = compiler.variable(name)
    const value = compiler.value(step.parameters['value'], null)
    return (frame) => {
      frame.slots[slot] = value.evaluate(frame)
    }
  },
})
