import { literalText } from '../../definition/index.ts'
import { action } from '../parts/action.ts'

export const createVariable = action({
  name: 'Create Variable',
  aliases: ['Set Variable', 'Create Var'],
  summary: 'Makes a variable and gives it a value.',
  parameters: {
    name: { kind: 'variable', summary: 'Name of the variable.', required: true },
    value: { kind: 'value', summary: 'Its value; null when left out.', type: 'any' },
  },
  examples: [
    {
      title: 'A list of two texts',
      stack: [
        { function: 'Create Variable', name: 'lines', value: ['one', 'two'] },
        { function: 'Streaming API Response', content: '{{lines.length}} lines' },
      ],
      sends: ['2 lines'],
    },
  ],
  prepare(step, compiler) {
    const slot = compiler.variable(literalText(step.parameters['name']))
    const value = compiler.value(step.parameters['value'], null)
    return (frame) => {
      frame.slots[slot] = value.evaluate(frame)
    }
  },
})
