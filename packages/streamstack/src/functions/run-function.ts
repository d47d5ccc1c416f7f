import { StreamstackError, type Value } from '@streamstack/protocol'
import { didYouMean } from '../text/did-you-mean.ts'
import type { Expression } from '../expression/index.ts'
import type { Frame } from '../run/index.ts'
import { literalText } from '../definition/index.ts'
import type { FunctionDefinition } from './function-definition.ts'

export const runFunction: FunctionDefinition = {
  name: 'Run Function',
  aliases: ['Call Function', 'Custom Function'],
  summary: 'Runs a stack from `functions/`; chunks that it sends go to the same stream.',
  parameters: {
    name: {
      kind: 'literal',
      summary: "The file's name without its ending.",
      type: 'text',
      required: true,
      aliases: ['function_name'],
    },
    inputs: {
      kind: 'value',
      summary: 'Input name → value.',
      type: 'object',
      aliases: ['input', 'arguments', 'parameters'],
    },
  },
  hasResult: true,
  examples: [
    {
      title: 'A greeting for each name',
      functions: {
        greet: {
          input_parameters: { who: { type: 'text', required: true } },
          function_stack: [{ function: 'Streaming API Response', content: 'Hello {{who}}' }],
        },
      },
      stack: [
        {
          function: 'For Each',
          input: ['Ada', 'Grace'],
          inner_functions: [{ function: 'Run Function', name: 'greet', inputs: { who: '{{item}}' } }],
        },
      ],
      sends: ['Hello Ada', 'Hello Grace'],
    },
  ],
  compile(step, compiler) {
    const nameNode = step.parameters['name']
    const name = literalText(nameNode)
    const file = compiler.functionFile(name)
    if (file === null) {
      const guess = didYouMean(name, compiler.functionNames())
      compiler.issue(
        'error',
        `There is no function file '${name}'.${guess === null ? ' Put it into functions/.' : ` Did you mean '${guess}'?`}`,
        nameNode?.position ?? step.position,
      )
      return
    }
    const given = new Map<string, Expression<Frame>>()
    for (const { key, keyPosition, node } of step.parameters['inputs']?.entries ?? []) {
      if (!file.inputs.some((input) => input.name === key)) {
        const guess = didYouMean(
          key,
          file.inputs.map((input) => input.name),
        )
        compiler.issue(
          'error',
          `Function '${name}' has no input '${key}'.${guess === null ? '' : ` Did you mean '${guess}'?`}`,
          keyPosition,
        )
      }
      given.set(key, compiler.value(node))
    }
    for (const input of file.inputs) {
      if (input.required && !given.has(input.name)) {
        compiler.issue('error', `Function '${name}' needs the input '${input.name}'.`, step.position)
      }
    }
    const slot = compiler.resultSlot(step)
    compiler.emit((frame, strand) => {
      const inputs = new Map<string, Value>()
      for (const input of file.inputs) {
        const value = given.get(input.name)?.evaluate(frame) ?? input.default ?? null
        if (value === null && input.required && !input.nullable) {
          throw new StreamstackError(
            'step_failed',
            `Run Function (step ${step.id}): input '${input.name}' of '${name}' must not be null.`,
          )
        }
        inputs.set(input.name, value)
      }
      return strand.call(frame, name, inputs, (result) => {
        if (slot !== -1) frame.slots[slot] = result
      })
    })
  },
}
