import type { FunctionDefinition } from '../parts/function-definition.ts'

export const returnValue: FunctionDefinition = {
  name: 'Return',
  aliases: ['Return Value'],
  summary: 'Ends a function file and gives a value back to the step that called it.',
  parameters: {
    value: { kind: 'value', summary: 'The value; null when left out.', type: 'any', aliases: ['result'] },
  },
  examples: [
    {
      title: 'A function that doubles',
      functions: {
        double: {
          input_parameters: { number: { type: 'number', required: true } },
          function_stack: [{ function: 'Return', value: '{{number * 2}}' }],
        },
      },
      stack: [
        { function: 'Run Function', name: 'double', inputs: { number: 21 }, as: 'answer' },
        { function: 'Streaming API Response', content: '{{answer}}' },
      ],
      sends: [42],
    },
  ],
  compile(step, compiler) {
    const value = compiler.value(step.parameters['value'], null)
    const slot = compiler.functionResult
    compiler.emit((frame) => {
      frame.slots[slot] = value.evaluate(frame)
    })
    if (!compiler.leaveFunction()) {
      compiler.issue(
        'error',
        'Return works in a function file only, outside the branches of Parallel. In an endpoint, send with Streaming API Response and end with Stop.',
        step.position,
      )
    }
  },
}
