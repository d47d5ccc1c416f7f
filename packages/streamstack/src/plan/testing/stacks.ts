import fc from 'fast-check'

type Step = Record<string, unknown>

/** Function files that the stacks may call. */
export const FUNCTION_FILES: Readonly<Record<string, unknown>> = {
  twice: {
    input_parameters: { n: { type: 'any' } },
    function_stack: [
      { function: 'Streaming API Response', content: 'twice {{n}}' },
      {
        function: 'For',
        count: 2,
        inner_functions: [
          {
            function: 'Try/Catch Block',
            try_block: [
              {
                function: 'Conditional',
                condition: '{{loop_index}} === 1',
                true_branch: [{ function: 'Return', value: '{{n}}!' }],
              },
            ],
            finally_block: [{ function: 'Streaming API Response', content: 'left {{loop_index}}' }],
          },
        ],
      },
    ],
  },
  nests: {
    input_parameters: { n: { type: 'any' } },
    function_stack: [
      { function: 'Run Function', name: 'twice', inputs: { n: '{{n}}' }, as: 'inner' },
      { function: 'Return', value: '{{inner}}?' },
    ],
  },
  breaks: { function_stack: [{ function: 'Throw Error', message: 'broken inside' }] },
}

const send = (content: string): Step => ({ function: 'Streaming API Response', content })

/** Stacks of every kind of control flow, a few levels deep; they always end. `waits`: some steps sleep. */
export function stacks(waits: boolean): fc.Arbitrary<Step[]> {
  const leaf = (inLoop: boolean): fc.Arbitrary<Step> =>
    fc.oneof(
      { weight: 18, arbitrary: fc.constantFrom(send('a {{x}}'), send('b {{x}}')) },
      { weight: 9, arbitrary: fc.constant({ function: 'Update Variable', name: 'x', value: '{{x + 1}}' }) },
      { weight: 3, arbitrary: fc.constant({ function: 'Throw Error', message: 'thrown at {{x}}' }) },
      { weight: 3, arbitrary: fc.constant({ function: 'Run Function', name: 'breaks' }) },
      {
        weight: 6,
        arbitrary: fc.constantFrom('twice', 'nests').map((name) => ({
          function: 'Run Function',
          name,
          inputs: { n: '{{x}}' },
          as: 'got',
        })),
      },
      ...(inLoop
        ? [{ weight: 6, arbitrary: fc.constantFrom<Step>({ function: 'Break' }, { function: 'Continue' }) }]
        : []),
      ...(waits ? [{ weight: 3, arbitrary: fc.constant<Step>({ function: 'Sleep', duration: 0 }) }] : []),
      { weight: 1, arbitrary: fc.constant<Step>({ function: 'Stop' }) },
    )
  const step = (depth: number, inLoop: boolean): fc.Arbitrary<Step> => {
    if (depth === 0) return leaf(inLoop)
    const inner = stack(depth - 1, inLoop)
    const body = stack(depth - 1, true)
    return fc.oneof(
      { weight: 4, arbitrary: leaf(inLoop) },
      { weight: 2, arbitrary: fc.record({ function: fc.constant('For'), count: fc.nat(3), inner_functions: body }) },
      {
        weight: 1,
        arbitrary: body.map((inner_functions) => ({
          function: 'For Each',
          input: ['p', { q: 1 }],
          inner_functions: [send('{{item}}'), ...inner_functions],
        })),
      },
      {
        weight: 1,
        arbitrary: body.map((inner_logic) => ({
          function: 'While Loop',
          condition: '{{loop_index}} < 2',
          inner_logic,
        })),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(inner, inner).map(([yes, no]) => ({
          function: 'Conditional',
          condition: '{{x % 2}} === 0',
          true_branch: yes,
          false_branch: no,
        })),
      },
      {
        weight: 3,
        arbitrary: fc.tuple(inner, inner, inner, fc.nat(2)).map(([tries, caught, last, parts]) => ({
          function: 'Try/Catch Block',
          try_block: tries,
          ...(parts === 1 ? {} : { catch_block: [send('caught {{error_message}}'), ...caught] }),
          ...(parts === 0 ? {} : { finally_block: last }),
        })),
      },
    )
  }
  const stack = (depth: number, inLoop: boolean): fc.Arbitrary<Step[]> =>
    fc.array(step(depth, inLoop), { minLength: 1, maxLength: 3 })
  return stack(3, false).map((steps) => [{ function: 'Create Variable', name: 'x', value: 0 }, ...steps])
}
