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
