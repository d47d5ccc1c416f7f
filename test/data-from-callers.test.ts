import { describe, expect, test } from 'vitest'
import { contents, problem } from '@streamstack/test-support/http-client'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

const big = '9007199254740993'
const rows = {
  declaration: { columns: { id: { type: 'integer', primary: true }, name: 'text', doc: 'json' } },
  records: [
    { id: '9007199254740992', name: 'neighbour', doc: null },
    { id: big, name: 'meant', doc: null },
  ],
}

describe('a whole number beyond 2^53', () => {
  test.each(['integer', 'any', 'number'])('finds its own record or none, as %s', async (type) => {
    const stack = [
      { function: 'Get Record', table: 'rows', field: 'id', value: '{{id}}', as: 'row' },
      send('{{row.name}}'),
    ]
    await using server = await testServer(
      { 'endpoints/e.json': endpoint('/e', stack, { method: 'POST', inputs: { id: type } }) },
      { tables: { rows } },
    )
    const number = await server.call('/e?format=ndjson', { body: `{"id":${big}}` })
    const text = await server.call('/e?format=ndjson', { body: `{"id":"${big}"}` })
    if (type === 'integer') expect(contents(number.text)).toEqual(['meant'])
    else expect(problem(number)).toMatchObject({ code: 'input_invalid', errors: [{ path: 'id' }] })
    if (type === 'number') expect(problem(text)).toMatchObject({ code: 'input_invalid' })
    else expect(contents(text.text)).toEqual(['meant'])
  })
})

test('a column has one type in an answer, whatever its values', async () => {
  const tables = { rows: { ...rows, records: [{ id: 1, name: 'small', doc: null }, ...rows.records] } }
  const stack = [
    { function: 'Get Records', table: 'rows', columns: ['id'], as: 'raw' },
    send('{{raw}}'),
    { function: 'Get Records', table: 'rows', columns: ['id'] },
    send('{{records.map((one) => one.id)}}'),
  ]
  await using server = await testServer({ 'endpoints/e.json': endpoint('/e', stack) }, { tables })
  const ids = ['1', '9007199254740992', big]
  expect(contents((await server.call('/e?format=ndjson')).text)).toEqual([ids.map((id) => ({ id })), ids])
})

describe('names that mean something to JavaScript', () => {
  const data = '{"a":{"constructor":"Ferrari","__proto__":{"x":1},"prototype":null,"toString":"t"}}'

  test('are data like any other: in a body, a column and an answer', async () => {
    const stack = [
      { function: 'Add Record', table: 'rows', record: { id: 7, name: 'x', doc: '{{data}}' }, as: 'added' },
      { function: 'Get Record', table: 'rows', field: 'id', value: 7, as: 'row' },
      send('{{data}}'),
      send('{{row.doc}}'),
      send({ copy: '{{data.a}}' }),
    ]
    await using server = await testServer(
      { 'endpoints/e.json': endpoint('/e', stack, { method: 'POST', inputs: { data: 'object' } }) },
      { tables: { rows } },
    )
    const answer = await server.call('/e?format=lines', { body: `{"data":${data}}` })
    expect(answer.text.trim().split('\n')).toEqual([data, data, `{"copy":${data.slice(5, -1)}}`])
  })
})

describe('a value that a step cannot use', () => {
  const tables = {
    rows: {
      declaration: { columns: { id: { type: 'integer', primary: true }, n: 'integer' } },
      records: [{ id: 1, n: -1 }],
    },
  }
  const get = (more: object): object => ({ function: 'Get Records', table: 'rows', as: 'rows', ...more })
  const one = { function: 'Get Record', table: 'rows', field: 'id', value: 1, as: 'row' }
  const request = (url: string, more: object = {}): object => ({ function: 'External API Request', url, ...more })
  const variable = (name: string, value: unknown): object => ({ function: 'Create Variable', name, value })
  const page = { function: 'Run Function', name: 'page' }
  const inTry = (step: object): object => ({
    function: 'Try / Catch',
    try_block: [step],
    catch_block: [{ function: 'Response', status: 418, content: '{{error.status}} {{error.code}}' }],
  })
  const files = (stack: readonly object[], settings: object = {}): Record<string, unknown> => ({
    'streamstack.yaml': { variables: { most: 10 }, ...settings },
    'functions/page.json': { input_parameters: { size: 'any' }, function_stack: [get({ limit: '{{size}}' })] },
    'endpoints/e.json': endpoint('/e', [...stack, send('sent')], {
      method: 'POST',
      inputs: { v: 'any', list: 'any', other: 'any', item: 'any' },
    }),
  })

  test.each<[string, readonly object[], object]>([
    ['an input', [get({ limit: '{{v}}' })], { v: -1 }],
    ['a part of an input', [get({ limit: '{{input.v.size}}' })], { v: { size: 'many' } }],
    ['a calculation with inputs and claims', [get({ limit: '{{v * (auth?.factor ?? 1)}}' })], { v: 0.5 }],
    [
      'a variable that is made of inputs',
      [variable('n', '{{v + 1}}'), variable('m', '{{n}}'), get({ limit: '{{m}}' })],
      { v: -5 },
    ],
    [
      'a variable with a constant before',
      [variable('n', 3), { function: 'Update Variable', name: 'n', value: '{{v}}' }, get({ limit: '{{n}}' })],
      { v: -1 },
    ],
    [
      'an item of a list',
      [{ function: 'For Each', input: '{{list}}', inner_functions: [get({ limit: '{{item}}' })] }],
      { list: [-1] },
    ],
    ['no list', [{ function: 'For Each', input: '{{list}}', inner_functions: [] }], { list: 'x' }],
    ['a column that is not there', [get({ order: '{{v}}' })], { v: 'salary DESC' }],
    ['beside a value of the server', [one, get({ limit: '{{v}}', where: 'id == {{row.id}}' })], { v: -1 }],
    ['an expression that fails', [send('{{v.name.first}}')], { v: null }],
    [
      'an expression that fails beside another',
      [one, { function: 'Streaming API Response', content: '{{v.a.b}}', metadata: { row: '{{row}}' } }],
      { v: 1 },
    ],
    ['a condition that fails', [{ function: 'Conditional', condition: '{{v.a.b}} === 1', true_branch: [] }], { v: 1 }],
    ['an address that the guard refuses', [request('{{v}}')], { v: 'http://169.254.169.254/latest' }],
    ['a host that the guard refuses', [request('http://{{v}}/x')], { v: '10.0.0.1' }],
    [
      'a header with a line break',
      [request('https://api.example', { headers: { 'X-Id': '{{v}}', 'X-Most': '{{most}}' } })],
      { v: 'a\r\nb' },
    ],
    [
      'a header of the answer with a line break',
      [{ function: 'Set Response Header', name: 'X-Id', value: '{{v}}' }],
      { v: 'a\nb' },
    ],
    ['a step into another path', [request('https://api.example/{{v}}/x')], { v: '..' }],
    ['an input of a function file', [{ ...page, inputs: { size: '{{v}}' } }], { v: -1 }],
    ['a duration', [{ function: 'Sleep', duration: '{{v}}' }], { v: 'long' }],
  ])('is a fault of the caller where it is %s', async (_, stack, body) => {
    await using server = await testServer(files(stack), { tables })
    const answer = await server.call('/e', { body })
    expect([answer.status, problem(answer)['code']], answer.text).toEqual([400, 'input_unusable'])
  })

  test.each<[string, readonly object[], object]>([
    ['a record', [one, get({ limit: '{{row.n}}' })], { v: 1 }],
    ['a record and an input together', [one, get({ limit: '{{row.n * v}}' })], { v: 1 }],
    [
      'a variable that is a record at times',
      [
        variable('n', '{{v}}'),
        one,
        { function: 'Update Variable', name: 'n', value: '{{row.n}}' },
        get({ limit: '{{n}}' }),
      ],
      { v: 1 },
    ],
    ['an input that a step replaces', [{ ...one, as: 'v' }, get({ limit: '{{v.n}}' })], { v: 1 }],
    [
      'an item of another list',
      [get({}), { function: 'For Each', input: '{{rows}}', inner_functions: [get({ limit: '{{item.n}}' })] }],
      { item: 1 },
    ],
    ['a constant', [variable('n', -1), get({ limit: '{{n}}' })], { v: 1 }],
    ['a fixed host', [request('http://10.0.0.1/{{v}}')], { v: 'x' }],
    ['an input of a function file that is a record', [one, { ...page, inputs: { size: '{{row.n}}' } }], { v: 1 }],
  ])('stays a fault of the endpoint where it is %s', async (_, stack, body) => {
    await using server = await testServer(files(stack), { tables })
    const answer = await server.call('/e', { body })
    expect(answer.status, answer.text).toBe(500)
    expect(problem(answer)['code']).not.toBe('input_unusable')
  })

  test('tells callers nothing of the endpoint in public mode, and catch blocks its status', async () => {
    const settings = { server: { errors: 'public' } }
    await using server = await testServer(files([get({ limit: '{{v}}' })], settings), { tables })
    const answer = await server.call('/e', { body: { v: -1 } })
    expect(problem(answer)).toMatchObject({
      status: 400,
      code: 'input_unusable',
      title: 'An input has a value that the endpoint cannot use.',
    })
    expect(answer.text).not.toMatch(/Get Records|limit|step/)
    await using catching = await testServer(files([inTry(get({ limit: '{{v}}' }))], settings), { tables })
    const caught = await catching.call('/e', { body: { v: -1 } })
    expect([caught.status, caught.text]).toEqual([418, '400 input_unusable'])
  })
})
