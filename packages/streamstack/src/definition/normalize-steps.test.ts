import type { Value } from '@streamstack/protocol'
import { expect, test } from 'vitest'
import { fromValue, good, messages, send, stepMessages } from './fixtures/normalize.ts'
import { toCanonical } from './index.ts'

test('functions are found whatever the case, spaces and punctuation, and by alias', () => {
  for (const name of ['for each', 'ForEach', 'FOR-EACH', 'Loop', 'For Each (rows)']) {
    const { stack } = good({ function_stack: [{ function: name, list: [1], do: [send] }] })
    expect(stack[0]).toMatchObject({ function: 'For Each', label: name.includes('(') ? 'rows' : null })
    expect(stack[0]?.stacks['inner']?.[0]).toMatchObject({ id: '1.inner.1' })
  }
})

test('a remark that is part of a name chooses that function', () => {
  const { stack } = good({ function_stack: [{ function: 'external api request (streaming)', url: 'https://x' }] })
  expect(stack[0]).toMatchObject({ function: 'External API Request (Streaming)', label: null, as: 'response' })
})

test('cases, branches and else_if have ids that name their place', () => {
  const { stack } = good({
    function_stack: [
      { function: 'If', condition: 'a', true_branch: [send], else_if: { condition: 'b', true_branch: send }, else: [] },
      { function: 'Switch', value: '{{a}}', cases: { x: [send], y: send }, default: [send] },
      { function: 'Parallel', branches: [[send], { name: 'second', steps: [send, send] }, send], limit: '2' },
    ],
  })
  expect(stack[0]?.cases['else_if']?.[0]?.steps[0]?.id).toBe('1.else_if[1].1')
  expect(stack[1]?.cases['cases']?.map((one) => one.when?.value)).toEqual(['x', 'y'])
  expect(stack[1]?.cases['cases']?.[1]?.steps[0]?.id).toBe('2.cases[2].1')
  expect(stack[2]?.cases['branches']?.map((one) => one.steps.map((step) => step.id))).toEqual([
    ['3.branches[1].1'],
    ['3.branches[2].1', '3.branches[2].2'],
    ['3.branches[3].1'],
  ])
  expect(stack[2]?.parameters['limit']?.value).toBe(2)
})

test('canonical cases and branches are read as the same', () => {
  const endpoint = good({
    function_stack: [
      { function: 'Switch', value: 1, cases: [{ case: [1, 2], do: [send] }], disabled: true },
      { function: 'Parallel', branches: { a: [send] } },
      {
        step: 'Wait',
        function: 'Conditional',
        condition: true,
        true_branch: [],
        else_if: [{ if: '{{a}}', do: [send] }],
      },
    ],
  })
  const canonical = toCanonical(endpoint)
  expect(canonical).toMatchObject({
    function_stack: [
      { disabled: true, cases: [{ when: [1, 2], steps: [send] }] },
      { branches: [[send]] },
      { step: 'Wait', else_if: [{ when: '{{a}}', steps: [send] }] },
    ],
  })
  expect(toCanonical(good(canonical))).toEqual(canonical)
})

test('a result goes to `as`, else to the default', () => {
  const { stack } = good({
    function_stack: [{ function: 'Get Records', table: 't', as: 'rows' }, { function: 'Stop' }],
  })
  expect(stack.map((step) => step.as)).toEqual(['rows', null])
})

test.each<[Value, string]>([
  [{ function: 'For Eech', input: [] }, 'There is no function "For Eech". Did you mean `For Each`?'],
  [{ function: 'fetch' }, 'There is no function "fetch". Did you mean `External API Request`?'],
  [
    { function: 'Respond to Webhook' },
    'There is no function "Respond to Webhook". Did you mean `Streaming API Response`?',
  ],
  [{ content: 'x' }, 'The step names no function; add "function": "…".'],
  [{ function: 'Streaming API Response' }, 'Streaming API Response needs `content`: What is sent.'],
  [{ function: 'For Each', input: [1] }, 'For Each needs `inner`: What runs.'],
  [{ ...send, contnt: 1 }, 'Streaming API Response has no parameter `contnt`. Did you mean `content`?'],
  [{ function: 'Stop', zzz: 1 }, 'Stop has no parameter `zzz`. It takes no parameters.'],
  [
    { ...send, metadata: {}, final_metadata: {} },
    '`final_metadata` says the same as `metadata` of this step; remove one.',
  ],
  [{ ...send, pacing: 'brust' }, '`pacing` of Streaming API Response cannot be "brust". Did you mean `burst`?'],
  [
    { function: 'Get Records', table: 't', limit: 'abc' },
    '`limit` of Get Records must be a whole number; it is "abc".',
  ],
  [{ function: 'Get Records', table: 't', limit: 1.5 }, '`limit` of Get Records must be a whole number; it is 1.5.'],
  [
    { function: 'Get Records', table: 't', cache: '{{x}}' },
    '`cache` of Get Records is read when the definition loads; {{ }} does not work here.',
  ],
  [
    { function: 'Get Records', table: 't', where: [] },
    '`where` of Get Records must be an object of columns and values, or text such as "delay > 10"; it is a list.',
  ],
  [{ ...send, as: 'x' }, 'Streaming API Response has no result; remove `as`.'],
  [
    { function: 'Get Records', table: 't', as: '{{rows}}' },
    '`as` must be the name of a variable, without {{ }}; it is "{{rows}}".',
  ],
  [
    { function: 'Create Variable', name: '{{x}}', value: 1 },
    '`name` of Create Variable is the name of a variable, without {{ }}; it is "{{x}}".',
  ],
  [{ variables: { 'a b': 1 } }, '"a b" is no variable name; use letters, digits and _, no leading digit.'],
  [
    { function: 'While', condition: 3, do: [] },
    '`condition` of While Loop must be a condition such as "{{count}} > 3", or true or false; it is a number.',
  ],
  [{ ...send, disabled: 'maybe' }, '`disabled` must be true or false; it is "maybe".'],
  [
    { function: 'If', condition: 'a', true_branch: [], else_if: [{ steps: [] }] },
    'case 1 of `else_if` needs `when`: what it is chosen by.',
  ],
  [
    { function: 'Parallel', branches: 'all' },
    '`branches` must be a list of branches, each a list of steps; it is text.',
  ],
])('%j is refused with its cure', (step, message) => {
  expect(stepMessages(step)).toContain(message)
  expect(fromValue({ function_stack: [step] }).endpoint).toBeNull()
})

test('expressions are left for the run; numbers written as text become numbers; null means not set', () => {
  const { stack } = good({
    function_stack: [{ function: 'Get Records', table: '{{t}}', limit: '{{n}}', offset: ' 100 ', order: null }],
  })
  expect(stack[0]?.parameters['limit']?.value).toBe('{{n}}')
  expect(stack[0]?.parameters['offset']?.value).toBe(100)
  expect(stack[0]?.parameters).not.toHaveProperty('order')
})

test('every fault of a file is listed, not only the first', () => {
  expect(messages({ path: 'a b', function_stack: [{ function: 'Nope' }, { ...send, zzz: 1 }] })).toHaveLength(3)
})
