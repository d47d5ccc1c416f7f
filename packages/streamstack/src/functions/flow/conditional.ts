import type { FunctionDefinition } from '../parts/function-definition.ts'

export const conditional: FunctionDefinition = {
  name: 'Conditional',
  aliases: ['If', 'If Else', 'Condition'],
  summary: 'Runs one of its branches, by a condition.',
  parameters: {
    condition: { kind: 'condition', summary: "As `{{item}} === 'users'`.", required: true, aliases: ['if'] },
  },
  stacks: {
    true_branch: { summary: 'Steps when the condition is true.', aliases: ['then', 'if_true', 'true'] },
    else_if: {
      summary: 'Further conditions in order, each `{ condition, steps }`; the first that is true wins.',
      form: 'cases',
      when: 'condition',
      aliases: ['elseif', 'else_ifs'],
    },
    false_branch: { summary: 'Steps when no condition is true.', aliases: ['else', 'if_false', 'false'] },
  },
  examples: [
    {
      title: 'Three ways',
      inputs: { score: 70 },
      stack: [
        {
          function: 'Conditional',
          condition: '{{score}} >= 90',
          true_branch: [{ function: 'Streaming API Response', content: 'great' }],
          else_if: [
            {
              condition: '{{score}} >= 60',
              steps: [{ function: 'Streaming API Response', content: 'good' }],
            },
          ],
          false_branch: [{ function: 'Streaming API Response', content: 'again' }],
        },
      ],
      sends: ['good'],
    },
  ],
  compile(step, compiler) {
    const done = compiler.label()
    const branches = [
      { when: step.parameters['condition'], steps: step.stacks['true_branch'] },
      ...(step.cases['else_if'] ?? []).map(({ when, steps }) => ({ when: when ?? undefined, steps })),
    ]
    for (const { when, steps } of branches) {
      const otherwise = compiler.label()
      const condition = compiler.condition(when)
      compiler.emit((frame) => {
        if (condition.evaluate(frame) !== true) frame.pc = otherwise.pc
      })
      compiler.steps(steps)
      compiler.jump(done)
      compiler.place(otherwise)
    }
    compiler.steps(step.stacks['false_branch'])
    compiler.place(done)
  },
}
