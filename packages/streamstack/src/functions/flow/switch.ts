import { isDeepStrictEqual } from 'node:util'
import type { FunctionDefinition } from '../parts/function-definition.ts'

export const switchFunction: FunctionDefinition = {
  name: 'Switch',
  aliases: ['Switch Case'],
  summary: 'Runs the first case whose value equals the given one; else the default.',
  parameters: {
    value: {
      kind: 'value',
      summary: 'What the cases are compared with.',
      type: 'any',
      required: true,
      aliases: ['input'],
    },
  },
  stacks: {
    cases: {
      summary: 'Each `{ when, steps }`; a list in `when` matches any of its values.',
      form: 'cases',
      when: 'value',
      required: true,
    },
    default: { summary: 'Steps when no case matches.', aliases: ['default_case', 'else'] },
  },
  examples: [
    {
      title: 'By name, with a default',
      inputs: { plan: 'pro' },
      stack: [
        {
          function: 'Switch',
          value: '{{plan}}',
          cases: [
            { when: 'free', steps: [{ function: 'Streaming API Response', content: '10 a day' }] },
            { when: ['pro', 'team'], steps: [{ function: 'Streaming API Response', content: '1000 a day' }] },
          ],
          default: [{ function: 'Streaming API Response', content: 'none' }],
        },
      ],
      sends: ['1000 a day'],
    },
  ],
  compile(step, compiler) {
    const value = compiler.value(step.parameters['value'])
    const done = compiler.label()
    const compared = compiler.slot()
    compiler.emit((frame) => {
      frame.slots[compared] = value.evaluate(frame)
    })
    for (const { when, steps } of step.cases['cases'] ?? []) {
      const otherwise = compiler.label()
      const wanted = compiler.value(when ?? undefined)
      compiler.emit((frame) => {
        const candidate = wanted.evaluate(frame)
        const actual = frame.slots[compared]
        const matches =
          isDeepStrictEqual(candidate, actual) ||
          (Array.isArray(candidate) && candidate.some((one) => isDeepStrictEqual(one, actual)))
        if (!matches) frame.pc = otherwise.pc
      })
      compiler.steps(steps)
      compiler.jump(done)
      compiler.place(otherwise)
    }
    compiler.steps(step.stacks['default'])
    compiler.place(done)
  },
}
