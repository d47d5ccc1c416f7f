import { expect, test } from 'vitest'
import { contents, ndjsonLines } from '@streamstack/test-support/http-client'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

const people = {
  declaration: { columns: { name: 'text', contact: 'text' } },
  records: [
    { name: 'Ann', contact: 'ann@example.com' },
    { name: 'Bo', contact: '+49 30 1234567' },
  ],
}

test('Redact covers records as the database writes them, tool arguments, metadata and messages to channels, on the wire of every format', async () => {
  const stack = [
    { function: 'Redact' },
    { function: 'Get Records', table: 'people', order: 'id' },
    send('{{records}}', { by: 'bo@example.com' }),
    { ...send({ name: 'mail', arguments: { to: 'ann@example.com' } }), kind: 'tool_call' },
    send('Call +49 30'),
    send(' 1234567 or write'),
    send(' to ann@example.com'),
    {
      function: 'Publish to Channel',
      channel: 'news',
      content: { card: '4111 1111 1111 1111' },
      metadata: { by: 'bo@example.com' },
    },
  ]
  const files = {
    'endpoints/people.yaml': endpoint('/people', stack),
    'channels/news.yaml': { subscribe: true, history: { count: 10 } },
  }
  await using server = await testServer(files, { tables: { people } })
  for (const format of ['ndjson', 'lines', 'sse', 'json', 'text']) {
    const { status, text } = await server.call(`/people?format=${format}&include_metadata=true`)
    expect(status).toBe(200)
    expect(text).toContain('[email]')
    expect(text).not.toMatch(/ann@|bo@|1234567/)
  }
  const { text } = await server.call('/people?format=ndjson')
  const chunks = ndjsonLines(text).slice(0, -1)
  expect(chunks.map(({ content }) => content)).toEqual([
    [
      { id: 1, name: 'Ann', contact: '[email]' },
      { id: 2, name: 'Bo', contact: '[phone]' },
    ],
    { name: 'mail', arguments: { to: '[email]' } },
    'Call [phone]',
    ' or write',
    ' to [email]',
  ])
  expect(chunks[0]?.['metadata']).toEqual({ by: '[email]' })
  const channel = await server.call('/v1/channels/news?format=json&include_metadata=true')
  expect(channel.text).toContain('[card]')
  expect(channel.text).toContain('[email]')
  expect(channel.text).not.toMatch(/4111|bo@/)
})

test('a stop of Filter Stream is caught by no catch block, and finally blocks send nothing past it', async () => {
  const stack = [
    { function: 'Filter Stream', words: ['zebra'] },
    {
      function: 'Try/Catch Block',
      try_block: [send('a '), send('zebra '), send('after')],
      catch_block: [send('caught: zebra')],
      finally_block: [send(' last zebra')],
    },
    send('never'),
  ]
  await using server = await testServer({ 'endpoints/a.yaml': endpoint('/a', stack) })
  const { text } = await server.call('/a?format=ndjson')
  expect(contents(text)).toEqual(['a '])
  expect(text).not.toContain('zebra')
  expect(ndjsonLines(text).at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'content_blocked' } })
})

test('watch: a match at the very end of the run still withdraws the answer, and the run fails', async () => {
  const stack = [{ function: 'Filter Stream', words: ['zebra'], mode: 'watch' }, send('a '), send('zebra')]
  await using server = await testServer({ 'endpoints/a.yaml': endpoint('/a', stack) })
  const lines = ndjsonLines((await server.call('/a?format=ndjson')).text)
  expect(lines).toMatchObject([
    { type: 'chunk', content: 'a ' },
    { type: 'chunk', content: 'zebra' },
    { type: 'chunk', kind: 'replace' },
    { type: 'error' },
    { type: 'end' },
  ])
  expect(lines.at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'content_blocked' } })
})

test("a caller's text is data: it is never read as a template, nor as markup of the stack", async () => {
  const files = {
    'endpoints/echo.yaml': endpoint(
      '/echo',
      [{ function: 'Validate Input' }, send('{{message}}'), send('{{input.message}}')],
      {
        method: 'POST',
        inputs: { message: { type: 'text' } },
      },
    ),
  }
  await using server = await testServer(files)
  const { text } = await server.call('/echo?format=ndjson', { body: { message: ' {{env.SECRET}} {{1+1}} \u202e ' } })
  expect(contents(text)).toEqual(['{{env.SECRET}} {{1+1}}', '{{env.SECRET}} {{1+1}}'])
})

test('trim, sanitize and non_empty of an input clean it before its bounds are checked, wherever it comes from', async () => {
  const inputs = {
    message: { type: 'text', trim: true, sanitize: 'strip_html', non_empty: true, max_length: 5 },
    tags: { type: 'list', items: { type: 'text', trim: true }, non_empty: true },
    data: { type: 'any', sanitize: true },
  }
  const stack = [send('{{message}}|{{tags.join(",")}}|{{data.deep}}')]
  await using server = await testServer({ 'endpoints/a.yaml': endpoint('/a', stack, { method: 'POST', inputs }) })
  const good = { message: ' <b>hello</b>\u202e ', tags: [' a', 'b '], data: { deep: 'e\u0301\u0000' } }
  expect((await server.call('/a?format=text', { body: good })).text).toBe('hello|a,b|é')
  for (const blank of ['\u200b\u200b', '\u3000\ufeff', '\u2066\u2069', '\u200e', '\u3164', '\ufe0f', '\u00ad\u2800']) {
    expect((await server.call('/a', { body: { ...good, message: blank } })).status).toBe(400)
  }
  for (const message of ['👩🏽\u200d🚀', 'כן', '❤️', '.', 'می\u200cخ']) {
    expect((await server.call('/a?format=text', { body: { ...good, message } })).text).toBe(`${message}|a,b|é`)
  }
  const bad = await server.call('/a', { body: { message: ' <i></i> ', tags: [], data: null } })
  expect(bad.status).toBe(400)
  expect(JSON.parse(bad.text)).toMatchObject({
    errors: [
      { path: 'message', message: expect.stringContaining('must not be empty') },
      { path: 'tags', message: expect.stringContaining('must not be empty') },
    ],
  })
})

test('a private column is read only where `fields` names it', async () => {
  const users = {
    declaration: { columns: { name: 'text', password: { type: 'text', private: true } } },
    records: [{ name: 'Ann', password: 'hunter2' }],
  }
  const files = {
    'endpoints/all.yaml': endpoint('/all', [
      { function: 'Get Records', table: 'users' },
      send('{{records}}'),
      { function: 'Get Records', table: 'users', as: 'rows' },
      send('{{rows[0]}}'),
      { function: 'Get Record', table: 'users', field: 'password', value: 'hunter2' },
      send('{{record}}'),
      { function: 'Add Record', table: 'users', record: { name: 'Bo', password: 'hunter3' }, as: 'added' },
      send('{{added}}'),
      { function: 'Edit Record', table: 'users', value: 2, changes: { password: 'hunter4' }, as: 'edited' },
      send('{{edited}}'),
    ]),
    'endpoints/one.yaml': endpoint('/one', [
      { function: 'Get Record', table: 'users', value: 1, fields: ['password'] },
      send('{{record}}'),
    ]),
    'endpoints/order.yaml': endpoint('/order', [
      { function: 'Get Records', table: 'users', order: 'password' },
      send('{{records}}'),
    ]),
  }
  await using server = await testServer(files, { tables: { users } })
  const { text } = await server.call('/all?format=ndjson')
  expect(ndjsonLines(text).at(-1)).toMatchObject({ outcome: 'completed' })
  expect(text).not.toMatch(/hunter|password/)
  expect(contents((await server.call('/one?format=ndjson')).text)).toEqual([{ password: 'hunter2' }])
  const order = await server.call('/order')
  expect([order.status, order.text]).toEqual([expect.any(Number), expect.stringContaining('private')])
})

test('the error that a run ends with passes the filters, before the first chunk and after it', async () => {
  const fail = { function: 'Throw Error', message: 'No account for ann@example.com', code: 'no_account', status: 404 }
  const files = {
    'endpoints/first.yaml': endpoint('/first', [{ function: 'Redact' }, fail]),
    'endpoints/later.yaml': endpoint('/later', [{ function: 'Redact' }, send('x'), fail]),
    'endpoints/words.yaml': endpoint('/words', [{ function: 'Filter Stream', words: ['account'] }, fail]),
  }
  await using server = await testServer(files)
  const first = await server.call('/first')
  expect([first.status, JSON.parse(first.text)]).toMatchObject([
    404,
    { code: 'no_account', detail: 'No account for [email]' },
  ])
  const later = await server.call('/later?format=ndjson')
  expect(later.text).not.toContain('ann@')
  expect(ndjsonLines(later.text).at(-1)).toMatchObject({
    error: { code: 'no_account', message: 'No account for [email]' },
  })
  const words = await server.call('/words')
  expect([words.status, JSON.parse(words.text)]).toMatchObject([404, { code: 'no_account', detail: 'The run failed.' }])
})

test('response headers pass the filters, too', async () => {
  const header = { function: 'Set Response Header', name: 'X-For', value: 'ann@example.com' }
  await using server = await testServer({
    'endpoints/a.yaml': endpoint('/a', [{ function: 'Redact' }, header, send('ok')]),
    'endpoints/b.yaml': endpoint('/b', [header, send('ok')]),
  })
  expect((await server.call('/a')).headers['x-for']).toBe('[email]')
  expect((await server.call('/b')).headers['x-for']).toBe('ann@example.com')
})
