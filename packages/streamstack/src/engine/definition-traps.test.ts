import { describe, expect, test } from 'vitest'
import { type Files, tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { formatIssue, readWorkspace } from '../workspace/index.ts'
import { compileWorkspace } from './index.ts'

type Step = object

const set = (name: string, value: unknown): Step => ({ function: 'Create Variable', name, value })
const update = (name: string, value: unknown): Step => ({ function: 'Update Variable', name, value })
const get = (where: unknown, more: Step = {}): Step => ({ function: 'Get Records', table: 'orders', where, ...more })
const sideBySide = (...branches: Step[][]): Step => ({ function: 'Parallel', branches })
const INPUTS = { w: { type: 'any' } }

/** What loading says about an endpoint of these steps, and whether it is served. */
async function loaded(
  steps: readonly unknown[],
  more: { inputs?: object; files?: Files } = {},
): Promise<{ errors: string[]; warnings: string[]; served: boolean }> {
  await using workspace = await tempWorkspace({
    'streamstack.yaml': 'variables: { limit: 5 }\n',
    'tables/orders.yaml': 'columns:\n  id: { type: integer, primary: true }\n  name: { type: text }\n',
    'endpoints/e.json': endpoint('/e', steps, { inputs: { ...INPUTS, ...more.inputs } }),
    ...more.files,
  })
  const { issues, ...rest } = compileWorkspace(await readWorkspace(workspace.dir), null)
  const told = (severity: string): string[] => issues.filter((one) => one.severity === severity).map(formatIssue)
  return {
    errors: told('error'),
    warnings: told('warning'),
    served: 'plans' in rest && rest.plans.has('endpoints/e.json'),
  }
}

describe('Update Variable of a name that nothing creates', () => {
  test.each<[string, Step]>([
    ['Update Variable', update('totl', 1)],
    ['Update Variables', { function: 'Update Variables', updates: { totl: 1 } }],
  ])('%s: an error with the name that was meant', async (_, step) => {
    const { errors, served } = await loaded([set('total', 0), step, send('{{total}}')])
    expect(errors).toEqual([expect.stringMatching(/^endpoints\/e\.json:\d+:\d+ .*'totl'.*`total`.*Create Variable/)])
    expect(served).toBe(false)
  })

  test('a constant of the settings is no variable', async () => {
    const { errors } = await loaded([update('limit', 1)])
    expect(errors).toEqual([expect.stringContaining("'limit'")])
  })

  test('inputs, results, items of loops and variables created later may be updated', async () => {
    const { errors, served } = await loaded([
      update('w', 1),
      { function: 'Count Records', table: 'orders', as: 'found' },
      update('found', 2),
      {
        function: 'For Each',
        input: [1],
        as: 'row',
        inner_functions: [update('row', 3), update('later', 1), set('later', 2)],
      },
    ])
    expect(errors).toEqual([])
    expect(served).toBe(true)
  })
})

describe('Parallel whose branches set the same variable', () => {
  test.each<[string, Step[][], string, boolean]>([
    ['created twice', [[set('x', 1)], [set('x', 2)]], 'x', false],
    ['updated twice', [[update('w', 1)], [update('w', 2)]], 'w', false],
    ['a result of the default name', [[get(null)], [get(null), send('{{records}}')]], 'records', true],
    ['a result of the same `as`', [[get(null, { as: 'a' })], [get(null, { as: 'a' }), send('{{a}}')]], 'a', true],
    ['deep inside the second', [[set('x', 1)], [{ function: 'Group', steps: [set('x', 2)] }]], 'x', false],
  ])('%s: one warning', async (_, branches, name, takesAs) => {
    const { errors, warnings, served } = await loaded([sideBySide(...branches)])
    expect(errors).toEqual([])
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(`Branches 1 and 2 of Parallel both set the variable '${name}'`)
    expect(warnings[0]?.includes('`as`')).toBe(takesAs)
    expect(served).toBe(true)
  })

  test.each<[string, Step[][]]>([
    ['names of their own', [[get(null, { as: 'a' })], [get(null, { as: 'b' }), send('{{a}} {{b}}')]]],
    ['the same name twice in one branch', [[set('x', 1), update('x', 2)], []]],
    ['unread results', [[get(null)], [get(null)]]],
    ['updates that build on what is there', [[update('w', '{{w + 1}}')], [update('w', '{{w + 2}}')]]],
    ['a step that is not run', [[set('x', 1)], [{ ...set('x', 2), disabled: true }]]],
  ])('%s: no warning', async (_, branches) => {
    const { errors, warnings } = await loaded([sideBySide(...branches)])
    expect([...errors, ...warnings]).toEqual([])
  })
})

describe('a filter that is an expression as a whole', () => {
  test.each<[string, unknown]>([
    ['alone', '{{input.w}}'],
    ['in brackets', '({{input.w}})'],
    ['beside a comparison', 'id > 1 && {{w}}'],
    ['negated', '!{{w}}'],
    ['in `or`', { or: [{ id: 1 }, '{{w}}'] }],
    ['in `and`, deep', { and: [{ id: 1 }, { not: { or: ['{{w}}', { id: 2 }] } }] }],
    ['in `not`', { not: '{{w}}' }],
  ])('%s: refused', async (_, where) => {
    const { errors, served } = await loaded([get(where)])
    expect(errors).toEqual([expect.stringMatching(/^endpoints\/e\.json:\d+:\d+ .*Write the columns here.*ignore_null/)])
    expect(served).toBe(false)
  })

  test.each<[string, unknown]>([
    ['a value of a text filter', 'id > {{w}} && name ==? {{input.w}}'],
    ['values of an object', { id: { in: '{{w}}' }, name: { eq: '{{w}}', ignore_null: true }, or: [{ id: '{{w}}' }] }],
  ])('%s may be an expression', async (_, where) => {
    const { errors, served } = await loaded([get(where)])
    expect(errors).toEqual([])
    expect(served).toBe(true)
  })
})

describe('an input whose name means something else', () => {
  test.each(['now', 'elapsed_time', 'item', 'loop_index', 'estimated_total', 'error_message', 'class', 'case'])(
    '%s: a warning with the cure, at the declaration',
    async (name) => {
      const { errors, warnings, served } = await loaded([send(`{{input.${name}}}`)], {
        inputs: { [name]: { type: 'text' } },
      })
      expect(errors).toEqual([])
      expect(warnings).toEqual([expect.stringMatching(new RegExp(`'${name}'.*\\{\\{input\\.${name}\\}\\}`))])
      expect(served).toBe(true)
    },
  )

  test('of a function file too', async () => {
    const greet = { input_parameters: { item: { type: 'text' } }, function_stack: [send('{{input.item}}')] }
    const { warnings } = await loaded([], { files: { 'functions/greet.json': greet } })
    expect(warnings).toEqual([expect.stringMatching(/^functions\/greet\.json:\d+:\d+ .*'item'/)])
  })
})

describe('inputs of a function file', () => {
  const call = (inputs: Step): Step => ({ function: 'Run Function', name: 'add', inputs })
  const add = (n: object): Files => ({
    'functions/add.json': { input_parameters: { n }, function_stack: [send('{{n}}')] },
  })

  test.each<[string, unknown]>([
    ['type', 'many'],
    ['max', 11],
    ['null', null],
  ])('a written value that does not fit (%s) is told where it stands', async (_, value) => {
    const files = add({ type: 'integer', max: 10, required: true })
    const { errors, served } = await loaded([call({ n: value })], { files })
    expect(errors).toEqual([expect.stringMatching(/^endpoints\/e\.json:\d+:\d+ .*'add': input 'n' .*whole number/)])
    expect(served).toBe(false)
  })

  test('a written value that fits, and an expression, are no problem', async () => {
    const files = add({ type: 'integer', max: 10, required: true })
    expect((await loaded([call({ n: 10 }), call({ n: '{{w}}' })], { files })).errors).toEqual([])
  })

  test('a declaration that cannot work is told, and endpoints that call it are not served', async () => {
    const { errors, served } = await loaded([call({ n: 1 })], { files: add({ type: 'integer', min: 5, max: 1 }) })
    expect(errors).toEqual([
      expect.stringMatching(/^functions\/add\.json:\d+:\d+ .*min/),
      expect.stringMatching(/^endpoints\/e\.json:\d+:\d+ .*'add'/),
    ])
    expect(served).toBe(false)
  })
})

describe('what is written out and could never be sent', () => {
  const call = (more: Step): Step => ({ function: 'External API Request', url: 'https://api.example.com/', ...more })
  const setHeader = (name: string, value: unknown): Step => ({ function: 'Set Response Header', name, value })
  const respond = (headers: Step): Step => ({ function: 'Response', headers, content: 'x' })

  test.each<[Step, RegExp]>([
    [call({ headers: { '{{w}}': 'x' } }), /"\{\{w\}\}".*not evaluated; write it out/],
    [call({ headers: { 'X Key': 'x' } }), /"X Key".*letters, digits and hyphens/],
    [call({ headers: { 'X-Kéy': 'x' } }), /letters, digits and hyphens/],
    [call({ headers: { Host: 'x' } }), /"Host".*remove it/],
    [call({ headers: { 'X-A': 'a', 'x-a': 'b' } }), /"x-a".*twice/],
    [call({ headers: { 'X-A': 'a\nb' } }), /"X-A".*encode it/],
    [call({ headers: { 'X-A': '日本' } }), /"X-A".*encode it/],
    [call({ headers: { 'X-A': ['a'] } }), /"X-A" must be text; it is a list of 1/],
    [call({ method: 'GE T' }), /'method'.*one word, such as POST/],
    [call({ method: 'connect' }), /'method'.*CONNECT is refused/],
    [call({ url: 'ftp://files.example.com/{{w}}' }), /'url' begins with ftp:/],
    [call({ url: 'api.example.com/x' }), /'url' is no URL/],
    [{ function: 'AI Reply', provider: 'ollama', model: 'm', prompt: 'p', headers: { 'X Key': 'x' } }, /"X Key"/],
    [setHeader('X Y', 'x'), /"X Y".*letters, digits and hyphens/],
    [setHeader('Transfer-Encoding', 'x'), /"Transfer-Encoding": the server sets it; remove it/],
    [setHeader('content-type', 'x'), /"content-type": the format decides it/],
    [setHeader('X-A', 'a\r\nSet-Cookie: b'), /"X-A".*line break/],
    [respond({ 'X Y': 'x' }), /"X Y"/],
    [respond({ 'Content-Length': '1' }), /"Content-Length": the server sets it; remove it/],
    [respond({ Location: 'a\nb' }), /"Location".*line break/],
  ])('is an error at its place when the definition loads: %j', async (step, message) => {
    const { errors, served } = await loaded([step, send('x')])
    expect(errors).toEqual([expect.stringMatching(/^endpoints\/e\.json:\d+:\d+ /)])
    expect(errors[0]).toMatch(message)
    expect(served).toBe(false)
  })

  test.each<[Step]>([
    [call({ headers: { 'X-Key': '{{w}}', x_id: 5, 'X-None': null, Accept: 'text/plain; charset=utf-8' } })],
    [call({ headers: '{{w}}', method: '{{w}}', url: '{{w}}' })],
    [call({ method: 'query', url: '{{w}}://x' })],
    [call({ url: '/own/path' })],
    [call({ url: 'https://{{w}}.example.com/' })],
    [setHeader('{{w}}', '{{w}}')],
    [setHeader('Cache-Control', 'no-store')],
    [respond({ 'Content-Type': 'text/html', 'X-A': 'é', Location: '{{w}}' })],
  ])('does not touch what can be: %j', async (step) => {
    expect((await loaded([step, send('x')])).errors).toEqual([])
  })
})
