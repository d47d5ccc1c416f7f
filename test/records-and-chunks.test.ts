import { describe, expect, test } from 'vitest'
import { contents, ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { type TestServerOptions, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const people = (count: number, prefix = 'p') => ({
  declaration: { columns: { id: { type: 'integer', primary: true }, name: { type: 'text' } } },
  records: Array.from({ length: count }, (_, i) => ({ id: i + 1, name: `${prefix}${i + 1}` })),
})

async function run(
  stack: readonly unknown[],
  options: TestServerOptions & { body?: unknown; inputs?: object; functions?: Record<string, unknown> } = {},
) {
  const { body, inputs, functions = {}, ...more } = options
  const files: Record<string, unknown> = {
    'endpoints/e.json': endpoint('/e', stack, { method: 'POST', ...(inputs === undefined ? {} : { inputs }) }),
  }
  for (const [name, file] of Object.entries(functions)) files[`functions/${name}.json`] = file
  await using server = await testServer(files, more)
  const answer = await server.call('/e?format=ndjson', { body: body ?? {} })
  if (answer.status !== 200)
    return { status: answer.status, sent: [], metadata: [], end: undefined, problem: problem(answer) }
  const lines = ndjsonLines(answer.text)
  return {
    status: 200,
    sent: contents(answer.text),
    metadata: lines.filter(({ type }) => type === 'chunk').map(({ metadata }) => metadata),
    end: lines.at(-1),
    problem: null,
  }
}

const get = (table: string, more: object = {}) => ({ function: 'Get Records', table, order: 'id ASC', ...more })

describe('records that go out untouched', () => {
  const tables = { people: people(4) }
  const records = people(4).records

  test.each<[string, unknown[], unknown[]]>([
    ['as they are', [get('people'), send('{{records}}')], [records]],
    [
      'twice',
      [get('people'), send('{{ records }}'), send('{{records.length}}'), send('{{records}}')],
      [records, 4, records],
    ],
    ['and one of them', [get('people'), send('{{records}}'), send('{{records[1].name}}')], [records, 'p2']],
    ['in a text', [get('people'), send('n: {{records.length}}')], ['n: 4']],
    ['inside an object', [get('people'), send({ all: '{{records}}' })], [{ all: records }]],
    [
      'by For Each',
      [get('people'), { function: 'For Each', input: '{{records}}', inner_functions: [send('{{item.name}}')] }],
      ['p1', 'p2', 'p3', 'p4'],
    ],
    [
      'in parts',
      [get('people'), { ...send('{{records}}'), chunk_by: 'records', chunk_size: 3 }],
      [records.slice(0, 3), records.slice(3)],
    ],
    ['paced, whole', [get('people'), { ...send('{{records}}'), delay: 1 }], [records]],
    ['under another name', [get('people', { as: 'rows' }), send('{{rows}}')], [records]],
    [
      'in a condition',
      [
        get('people'),
        { function: 'Conditional', condition: '{{records.length}} > 3', true_branch: [send('{{records}}')] },
      ],
      [records],
    ],
    [
      'compared as a whole',
      [
        get('people'),
        {
          function: 'Conditional',
          condition: 'records === null',
          true_branch: [send('never')],
          false_branch: [send('{{records}}')],
        },
      ],
      [records],
    ],
    ['as JSON text', [get('people', { limit: 1 }), send('{{JSON.stringify(records)}}')], ['[{"id":1,"name":"p1"}]']],
    [
      'through another variable',
      [get('people'), { function: 'Create Variable', name: 'copy', value: '{{records}}' }, send('{{copy[0].id}}')],
      [1],
    ],
    [
      'when the variable had another value before',
      [
        { function: 'Create Variable', name: 'records', value: 'none' },
        send('{{records}}'),
        get('people', { limit: 1 }),
        send('{{records}}'),
      ],
      ['none', [records[0]]],
    ],
    [
      'from a branch of Parallel',
      [{ function: 'Parallel', branches: [[get('people'), send('{{records}}')]] }],
      [records],
    ],
    [
      'given to a function',
      [
        get('people'),
        { function: 'Run Function', name: 'first', inputs: { list: '{{records}}' }, as: 'one' },
        send('{{one}}'),
      ],
      ['p1'],
    ],
    [
      'switched by',
      [
        get('people', { limit: 0 }),
        {
          function: 'Switch',
          value: '{{records}}',
          cases: [{ when: [[]], steps: [send('none')] }],
          default: [send('some')],
        },
      ],
      ['none'],
    ],
  ])('%s', async (_, stack, sent) => {
    const functions = {
      first: {
        input_parameters: { list: { type: 'list' } },
        function_stack: [{ function: 'Return', value: '{{list[0].name}}' }],
      },
    }
    const result = await run(stack, { tables, functions })
    expect(result.problem).toBeNull()
    expect(result.sent).toEqual(sent)
    expect(result.end).toMatchObject({ outcome: 'completed' })
  })

  test('before they were read are an error that says so', async () => {
    const { status, problem: told } = await run(
      [{ function: 'Conditional', condition: false, true_branch: [get('people')] }, send('{{records}}')],
      { tables },
    )
    expect(status).toBe(500)
    expect(String(told?.['detail'])).toContain('records')
  })
})

describe('estimated_total', () => {
  test('is that of each table, however few rounds the loop has', async () => {
    const { sent } = await run(
      [
        {
          function: 'For Each',
          input: ['few', 'many'],
          as: 'source',
          inner_functions: [
            {
              function: 'For',
              count: 1,
              inner_functions: [
                get('{{source}}', { limit: 2 }),
                send('{{source}}: {{records.length}} of {{estimated_total}}'),
              ],
            },
          ],
        },
      ],
      { tables: { few: people(1), many: people(5) } },
    )
    expect(sent).toEqual(['few: 1 of 1', 'many: 2 of 5'])
  })

  test('counts what the filter of the query matches', async () => {
    const { sent } = await run(
      [
        {
          function: 'For',
          count: 2,
          inner_functions: [
            get('people', { where: { id: { gt: '{{min}}' } }, limit: 2, offset: '{{loop_index * 2}}' }),
            send('{{estimated_total}}'),
          ],
        },
      ],
      { tables: { people: people(9) }, inputs: { min: { type: 'integer', required: true } }, body: { min: 3 } },
    )
    expect(sent).toEqual([6, 6])
  })
})

describe('pages', () => {
  test('by offset are exactly the rows that the table has, whatever the page', async () => {
    for (const size of [1, 7, 30, 100]) {
      const { sent } = await run(
        [
          { step: 'Start', variables: { offset: 0, more: true } },
          {
            function: 'While Loop',
            condition: '{{more}}',
            inner_logic: [
              get('people', { limit: '{{size}}', offset: '{{offset}}', order: 'name DESC' }),
              send('{{records}}'),
              {
                function: 'Update Variables',
                updates: { offset: '{{offset + size}}', more: '{{records.length === size}}' },
              },
            ],
          },
        ],
        { tables: { people: people(30) }, inputs: { size: { type: 'integer', required: true } }, body: { size } },
      )
      const names = sent.flat().map((one) => (one as { name: string }).name)
      expect(names).toEqual(
        people(30)
          .records.map(({ name }) => name)
          .toSorted()
          .toReversed(),
      )
    }
  })

  test('a loop that begins again begins at the start', async () => {
    const page = [get('people', { limit: 2, offset: '{{loop_index * 2}}' }), send('{{records}}')]
    const { sent } = await run(
      [{ function: 'For', count: 2, inner_functions: [{ function: 'For', count: 3, inner_functions: page }] }],
      { tables: { people: people(5) } },
    )
    const ids = sent.map((rows) => (rows as { id: number }[]).map(({ id }) => id))
    expect(ids).toEqual([[1, 2], [3, 4], [5], [1, 2], [3, 4], [5]])
  })
})

describe('contents', () => {
  test.each<[string, unknown, unknown]>([
    ['false', false, false],
    ['an empty text', '', ''],
    ['an empty list', [], []],
    ['text that looks like an expression', '{{text}}', '{{now}} \\ "'],
    ['a large number', 9_007_199_254_740_991, 9_007_199_254_740_991],
    ['a lone surrogate', '{{lone}}', '\ud800'],
  ])('%s', async (_, content, sent) => {
    const result = await run(
      [
        { step: 'Things', variables: { thing: {}, text: '' } },
        { function: 'Update Variables', updates: { text: '{{given}}' } },
        send(content),
        send('after'),
      ],
      {
        inputs: { given: { type: 'text', required: true }, lone: { type: 'any' } },
        body: { given: '{{now}} \\ "', lone: '\ud800' },
      },
    )
    expect(result.problem).toBeNull()
    expect(result.end).toMatchObject({ outcome: 'completed' })
    // A lone surrogate is no character: JSON may carry it escaped, or its replacement.
    if (sent === '\ud800') expect(['\ud800', '\ufffd', '\ufffd\ufffd\ufffd']).toContain(result.sent[0])
    else expect(result.sent[0]).toEqual(sent)
    expect(result.sent).toHaveLength(2)
  })

  test.each<[string, object, unknown[]]>([
    ['words', { content: 'one  two three', chunk_by: 'words', chunk_size: 2 }, ['one  two ', 'three']],
    ['characters', { content: 'a👩‍👩‍👧é中', chunk_by: 'characters', chunk_size: 2 }, ['a👩‍👩‍👧', 'é中']],
    ['sentences', { content: 'One. Two! Three?', chunk_by: 'sentences' }, ['One. ', 'Two! ', 'Three?']],
    ['records', { content: [1, 2, 3], chunk_by: 'records', chunk_size: 2 }, [[1, 2], [3]]],
    ['words of an empty text: one chunk, so that its metadata is not lost', { content: '', chunk_by: 'words' }, ['']],
    ['records of an empty list: one chunk', { content: [], chunk_by: 'records' }, [[]]],
    ['records of what is no list: whole', { content: { a: 1 }, chunk_by: 'records' }, [{ a: 1 }]],
    ['words of what is no text: whole', { content: [1, 2], chunk_by: 'words' }, [[1, 2]]],
  ])('cut by %s', async (_, step, sent) => {
    const result = await run([{ function: 'Streaming API Response', metadata: { m: 1 }, ...step }])
    expect(result.problem).toBeNull()
    expect(result.sent).toEqual(sent)
    for (const metadata of result.metadata) expect(metadata).toEqual({ m: 1 })
  })

  test.each(['fixed', 'adaptive', 'burst', 'natural'])('pacing %s changes when, not what', async (pacing) => {
    const text = 'One, two; three. Four! Five? Six'
    const result = await run([{ ...send(text), chunk_by: 'words', delay: 2, pacing }])
    expect(result.sent.join('')).toBe(text)
    expect(result.sent).toHaveLength(6)
  })

  test('the options of the caller go before what the step says, for text alone', async () => {
    const result = await run(
      [{ ...send('one two three four'), chunk_by: 'characters', chunk_size: 3 }, send([1, 2, 3])],
      { inputs: { options: { type: 'object' } }, body: { options: { chunk_size: 3, delay: 1 } } },
    )
    expect(result.sent).toEqual(['one two three ', 'four', [1, 2, 3]])
  })

  test('metadata and final_metadata join', async () => {
    const result = await run([{ ...send('x', { a: 1, b: 1 }), final_metadata: { b: 2, c: '{{1 + 2}}' } }])
    expect(result.metadata).toEqual([{ a: 1, b: 2, c: 3 }])
  })
})

describe('headers that a step sets', () => {
  const headersOf = async (name: string, value: string) => {
    await using server = await testServer({
      'endpoints/e.json': endpoint('/e', [{ function: 'Set Response Header', name, value }, send('x')]),
    })
    return await server.call('/e')
  }

  test('cannot let a proxy change the bytes, whatever their case', async () => {
    const { headers, text } = await headersOf('cache-control', 'max-age=5')
    expect(headers['cache-control']).toBe('max-age=5, no-transform')
    expect(text).toBe('x\n')
  })

  test('declared in lower case are the same headers', async () => {
    await using server = await testServer({
      'endpoints/e.json': endpoint('/e', [send('x')], {
        settings: {
          headers: {
            'content-type': 'text/plain; charset=UTF-8',
            'cache-control': 'private',
            'x-accel-buffering': 'no',
          },
        },
      }),
    })
    const { headers, text } = await server.call('/e')
    expect(text).toBe('x\n')
    expect(headers['content-type']).toBe('text/plain; charset=UTF-8')
    expect(headers['cache-control']).toBe('private, no-transform')
    expect(headers['x-accel-buffering']).toBe('no')
  })

  test.each(['Content-Encoding', 'content-length', 'Transfer-Encoding', 'Stream-Url', 'Connection'])(
    '%s is refused',
    async (name) => {
      // Written out, it is no endpoint that is served.
      expect((await headersOf(name, 'gzip')).status).toBe(503)
      const answer = await headersOf(`{{'${name}'}}`, 'gzip')
      expect(answer.status).toBe(500)
      expect(problem(answer)['code']).toBe('step_failed')
    },
  )

  test('cannot add a header of their own by a line break', async () => {
    const answer = await headersOf('X-A', "{{'a\\r\\nSet-Cookie: b'}}")
    expect(answer.status).toBe(500)
    expect(answer.headers['set-cookie']).toBeUndefined()
  })
})

test('a whole result that is too large is refused, and the run ends', async () => {
  await using server = await testServer({
    'endpoints/big.json': endpoint('/big', [
      {
        function: 'For',
        count: 40,
        inner_functions: [send('x'.repeat(1024 * 1024)), { function: 'Sleep', duration: 0 }],
      },
    ]),
  })
  const answer = await server.call('/big?format=json')
  expect(answer.status).toBe(413)
  expect(problem(answer)['code']).toBe('result_too_large')
  expect(answer.text.length).toBeLessThan(2_000)
})

describe('a loop of pages', () => {
  const items = {
    declaration: {
      columns: { id: { type: 'integer', primary: true }, rank: 'integer', seen: 'integer' },
      indexes: [['rank']],
    },
    records: Array.from({ length: 6 }, (_, i) => ({ id: i + 1, rank: i + 1, seen: 0 })),
  }

  function loop(record: unknown): unknown[] {
    return [
      { variables: { offset: 0, has_more: true, rounds: 0 } },
      {
        function: 'While Loop',
        condition: '{{has_more}} === true && {{rounds}} < 50',
        inner_logic: [
          { function: 'Get Records', table: 'items', order: 'rank ASC', limit: 2, offset: '{{offset}}' },
          {
            function: 'For Each',
            input: '{{records}}',
            inner_functions: [{ function: 'Edit Record', table: 'items', value: '{{item.id}}', record, as: 'edited' }],
          },
          {
            function: 'Update Variables',
            updates: { offset: '{{offset + 2}}', has_more: '{{records.length === 2}}', rounds: '{{rounds + 1}}' },
          },
        ],
      },
      send('{{rounds}}'),
    ]
  }

  test('ends although it moves each record to the end of the order, as plain offsets do', async () => {
    expect((await run(loop({ rank: '{{item.rank + 100}}' }), { tables: { items } })).sent).toEqual([4])
  })

  test('meets each record once where other columns change', async () => {
    const stack = [
      ...loop({ seen: '{{item.seen + 1}}' }),
      { function: 'Get Records', table: 'items' },
      send('{{records.map((one) => one.seen)}}'),
    ]
    expect((await run(stack, { tables: { items } })).sent).toEqual([4, [1, 1, 1, 1, 1, 1]])
  })

  test('with a limit of 0 stays where it is, and its cursor leads on', async () => {
    const page = (more: object) => get('items', { columns: ['id'], ...more })
    const stack = [
      page({ limit: 0, as: 'none' }),
      page({ limit: 4, cursor: '{{none_cursor}}', as: 'first' }),
      page({ limit: 0, cursor: '{{first_cursor}}', as: 'still' }),
      page({ limit: 4, cursor: '{{still_cursor}}', as: 'last' }),
      send('{{[none.length, first.map((one) => one.id), last.map((one) => one.id), last_cursor]}}'),
    ]
    expect((await run(stack, { tables: { items } })).sent).toEqual([[0, [1, 2, 3, 4], [5, 6], null]])
  })
})
