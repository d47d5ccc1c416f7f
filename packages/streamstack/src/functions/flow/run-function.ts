import { StreamstackError, type Value } from '@streamstack/protocol'
import type { Expression } from '../../expression/index.ts'
import { didYouMean, suggest } from '../../text/did-you-mean.ts'
import type { InputDeclaration, StepNode } from '../../definition/types.ts'
import { type InputFault, compileInputs, inspectInputs } from '../../input/index.ts'
import type { Frame } from '../../run/index.ts'
import { literalText } from '../../definition/index.ts'
import type { Compiler } from '../parts/compiler.ts'
import type { FunctionDefinition } from '../parts/function-definition.ts'
import { checkedInputs, faultText, faultWords } from '../parts/function-inputs.ts'

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
  calls: (step) => [literalText(step.parameters['name'])],
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
        `There is no function file '${name}'.${guess === null ? ' Put it into functions/.' : ` ${suggest(guess)}`}`,
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
          `Function '${name}' has no input '${key}'.${guess === null ? '' : ` ${suggest(guess)}`}`,
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
    // Faults of the declarations are told where they stand; a plan that calls a broken function is never made.
    if (inspectInputs(file.inputs).some(({ severity }) => severity === 'error')) return
    checkWrittenInputs(step, compiler, name, file.inputs)
    const checker = compileInputs(file.inputs)
    compiler.emit((frame, strand) => {
      const sent: Record<string, Value> = {}
      for (const [key, expression] of given) sent[key] = expression.evaluate(frame)
      const { values, faults } = checkedInputs(checker, sent)
      if (faults.length > 0) throw misfit(step, name, faults)
      return strand.call(frame, name, new Map(Object.entries(values)), (result) => {
        if (slot !== -1) frame.slots[slot] = result
      })
    })
  },
}

/** Values that hold no expression are checked when the definition loads, where they stand. */
function checkWrittenInputs(
  step: StepNode,
  compiler: Compiler,
  name: string,
  inputs: readonly InputDeclaration[],
): void {
  for (const { key, node } of step.parameters['inputs']?.entries ?? []) {
    const input = inputs.find((one) => one.name === key)
    if (input === undefined || JSON.stringify(node.value).includes('{{')) continue
    for (const { path, message } of checkedInputs(compileInputs([input]), { [key]: node.value }).faults) {
      compiler.issue('error', `Function '${name}': input '${path}' ${message}.`, node.position)
    }
  }
}

/** What the stack computed may be secret, so that the message tells what an input must be and not what it was. */
function misfit(step: StepNode, name: string, faults: readonly InputFault[]): StreamstackError {
  const errors = faultWords(faults)
  return new StreamstackError(
    'input_invalid',
    `Run Function (step ${step.id}): function '${name}': ${faultText(errors)}.`,
    {
      details: { errors },
    },
  )
}
