import { connect } from 'node:net'
import { createClient } from '@streamstack/client'
import { describe, expect, test } from 'vitest'
import { contents, ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const STACK = [
  send('one two', { n: 1 }),
  send({ a: [1, null] }),
  send('line\nbreak', { 'k\r\n': '\u2028' }),
  send('[DONE]'),
]

const twoWays = async (): Promise<TestServer> =>
  testServer({
    'endpoints/all.json': endpoint('/all', STACK),
    'endpoints/plain.json': endpoint('/plain', STACK, {
      settings: { headers: { 'Content-Type': 'text/plain', 'X-Own': 'yes', 'Cache-Control': 'private, max-age=5' } },
    }),
    'endpoints/xml.json': endpoint('/xml', [send('<a/>')], {
      settings: { headers: { 'Content-Type': 'application/xml' } },
    }),
    'endpoints/options.json': endpoint('/options', STACK, {
      method: 'POST',
      inputs: { options: { type: 'object' } },
    }),
  })

describe('each format, byte for byte', () => {
  test.each([
    ['lines', 'one two\n{"a":[1,null]}\nline\nbreak\n[DONE]\n', 'text/plain; charset=utf-8'],
    ['text', 'one two{"a":[1,null]}line\nbreak[DONE]', 'text/plain; charset=utf-8'],
    [
      'sse',
      'id: 1\ndata: "one two"\n\n' +
        'id: 2\ndata: {"a":[1,null]}\n\n' +
        'id: 3\ndata: "line\\nbreak"\n\n' +
        'id: 4\ndata: [DONE]\n\n' +
        'event: end\ndata: {"outcome":"completed","offset":4,"error":null}\n\n',
      'text/event-stream; charset=utf-8',
    ],
    [
      'ndjson',
      '{"offset":1,"type":"chunk","content":"one two","metadata":{"n":1}}\n' +
        '{"offset":2,"type":"chunk","content":{"a":[1,null]},"metadata":null}\n' +
        '{"offset":3,"type":"chunk","content":"line\\nbreak","metadata":{"k\\r\\n":"\u2028"}}\n' +
        '{"offset":4,"type":"chunk","content":"[DONE]","metadata":null}\n' +
        '{"type":"end","outcome":"completed","offset":4,"error":null}\n',
      'application/x-ndjson; charset=utf-8',
    ],
  ])('%s', async (format, text, type) => {
    await using server = await twoWays()
    const answer = await server.call(`/all?format=${format}`)
    expect(answer.text).toBe(text)
    expect(answer.headers['content-type']).toBe(type)
    expect(answer.status).toBe(200)
    expect(answer.ending).toBe('clean')
  })

  test('json is the whole, at the end', async () => {
    await using server = await twoWays()
    const answer = await server.call('/all?format=json')
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(JSON.parse(answer.text)).toEqual({
      run: answer.headers['stream-run'],
      outcome: 'completed',
      chunks: [
        { offset: 1, content: 'one two', metadata: { n: 1 } },
        { offset: 2, content: { a: [1, null] }, metadata: null },
        { offset: 3, content: 'line\nbreak', metadata: { 'k\r\n': '\u2028' } },
        { offset: 4, content: '[DONE]', metadata: null },
      ],
      error: null,
    })
  })

  test.each([
    [
      'sse',
      'id: 1\ndata: {"content":"one two","metadata":{"n":1}}\n\n' +
        'id: 2\ndata: {"content":{"a":[1,null]},"metadata":null}\n\n' +
        'id: 3\ndata: {"content":"line\\nbreak","metadata":{"k\\r\\n":"\u2028"}}\n\n' +
        'id: 4\ndata: [DONE]\n\n' +
        'event: end\ndata: {"outcome":"completed","offset":4,"error":null}\n\n',
    ],
    [
      'lines',
      '{"content":"one two","metadata":{"n":1}}\n{"content":{"a":[1,null]},"metadata":null}\n' +
        '{"content":"line\\nbreak","metadata":{"k\\r\\n":"\u2028"}}\n{"content":"[DONE]","metadata":null}\n',
    ],
  ])('%s with metadata, when the caller asks for it', async (format, text) => {
    await using server = await twoWays()
    const answer = await server.call(`/options?format=${format}`, { body: { options: { include_metadata: true } } })
    expect(answer.text).toBe(text)
  })

  test.each([[0], [1], [2]])('json of a run with %i chunks answers', async (count) => {
    await using server = await testServer({
      'endpoints/some.json': endpoint('/some', [{ function: 'For', count, inner_functions: [send('{{loop_index}}')] }]),
    })
    const answer = await server.call('/some?format=json')
    expect(JSON.parse(answer.text)).toMatchObject({ outcome: 'completed', chunks: { length: count } })
  })
})

describe('the choice of a format', () => {
  test.each([
    ['/all', undefined, 'text/plain'],
    ['/all', '*/*', 'text/plain'],
    ['/all', 'text/html, */*;q=0.8', 'text/plain'],
    ['/all', 'image/png', 'text/plain'],
    ['/all', 'text/event-stream', 'text/event-stream'],
    ['/all', '*/*, text/event-stream', 'text/plain'],
    ['/xml', undefined, 'application/xml'],
    ['/xml', 'application/xml, application/json;q=0.9', 'application/xml'],
    ['/xml', 'text/event-stream', 'text/event-stream'],
    ['/all', 'application/x-ndjson', 'application/x-ndjson'],
    ['/all', 'APPLICATION/JSON', 'application/json'],
    ['/all', 'text/plain;q=0.1, application/x-ndjson;q=0.9', 'application/x-ndjson'],
    ['/all', 'text/plain;q=0.9, application/x-ndjson;q=0.1', 'text/plain'],
    ['/all', 'application/json;q=0, text/plain;q=0.2', 'text/plain'],
    ['/plain', undefined, 'text/plain'],
    ['/plain', '*/*', 'text/plain'],
    ['/plain', 'text/event-stream', 'text/event-stream'],
    ['/plain?format=ndjson', 'text/event-stream', 'application/x-ndjson'],
  ])('%s with Accept %s is answered as %s', async (path, accept, type) => {
    await using server = await twoWays()
    const answer = await server.call(path, accept === undefined ? {} : { headers: { Accept: accept } })
    expect(answer.headers['content-type']?.split(';')[0]).toBe(type)
  })

  test('a format that does not exist is refused before anything runs', async () => {
    await using server = await twoWays()
    const answer = await server.call('/all?format=xml')
    expect(answer.status).toBe(406)
    expect(problem(answer)['code']).toBe('format_unknown')
    expect(answer.text).toContain('lines, text, sse, ndjson, json')
    expect(answer.headers['stream-run']).toBeUndefined()
  })
})

describe('headers', () => {
  test('every stream says where it can be read again and that nothing on the way may hold it', async () => {
    await using server = await twoWays()
    const { headers } = await server.call('/all')
    expect(headers['stream-run']).toMatch(/^[0-9a-f-]{36}$/)
    expect(headers['stream-url']).toBe(`/v1/stream/runs/${String(headers['stream-run'])}`)
    expect(headers['cache-control']).toBe('no-cache, no-transform')
    expect(headers['x-accel-buffering']).toBe('no')
    expect(headers['content-length']).toBeUndefined()
  })

  test.each([
    ['text/html', 'text/html; charset=utf-8'],
    ['text/csv; header=present', 'text/csv; header=present; charset=utf-8'],
    ['TEXT/HTML;Charset="UTF-8"', 'TEXT/HTML;Charset="UTF-8"'],
    ['application/xml', 'application/xml'],
    ['image/svg+xml', 'image/svg+xml'],
  ])('text without a charset is sent as the UTF-8 that it is: %s', async (declared, sent) => {
    const settings = { headers: { 'Content-Type': declared } }
    await using server = await testServer({
      'endpoints/streamed.json': endpoint('/streamed', [send('<p>é</p>')], { settings }),
      'endpoints/plain.json': endpoint('/plain', [send('<p>é</p>')], {
        settings: { ...settings, response_type: 'standard' },
      }),
      'endpoints/step.json': endpoint('/step', [{ function: 'Response', content: '<p>é</p>', ...settings }]),
    })
    for (const path of ['/streamed', '/plain', '/step'])
      expect([path, (await server.call(path)).headers['content-type']]).toEqual([path, sent])
  })

  test('declared headers are honoured, and none can allow a proxy to change the bytes', async () => {
    await using server = await twoWays()
    const { headers } = await server.call('/plain')
    expect(headers['x-own']).toBe('yes')
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(headers['cache-control']).toBe('private, max-age=5, no-transform')
  })

  test('a step sets headers before the first chunk', async () => {
    await using server = await testServer({
      'endpoints/set.json': endpoint('/set', [
        { function: 'Set Response Header', name: 'X-Total', value: '{{6 * 7}}' },
        send('ok'),
      ]),
    })
    for (const format of ['sse', 'json']) {
      expect((await server.call(`/set?format=${format}`)).headers['x-total']).toBe('42')
    }
  })
})

test('the first chunk arrives while the run goes on', async () => {
  await using server = await testServer({
    'endpoints/slow.json': endpoint('/slow', [
      send('first'),
      { function: 'Sleep', duration: 3_600_000 },
      send('never'),
    ]),
  })
  const open = await server.open('/slow?format=lines')
  await open.until('first\n')
  const { headers } = open
  const cancelled = await server.call(`/v1/runs/${headers['stream-run'] as string}/cancel`, { method: 'POST' })
  expect(cancelled.status).toBe(202)
  const answer = await open.ended
  expect(answer.text).toBe('first\n')
  // The run did not come to its own end, and lines have no word for that.
  expect(answer.ending).toBe('broken')
})

describe('a failure before the first chunk', () => {
  test.each(['lines', 'text', 'sse', 'ndjson', 'json'])(
    'is a problem answer with its own status: %s',
    async (format) => {
      await using server = await testServer({
        'endpoints/full.json': endpoint('/full', [
          { function: 'Throw Error', message: 'No seats left.', code: 'sold_out', status: 409, retry_after: 1.5 },
        ]),
      })
      const answer = await server.call(`/full?format=${format}`)
      expect(answer.status).toBe(409)
      expect(answer.ending).toBe('clean')
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
      expect(answer.headers['retry-after']).toBe('2')
      expect(problem(answer)).toMatchObject({
        type: 'about:blank',
        status: 409,
        code: 'sold_out',
        detail: 'No seats left.',
        recoverable: false,
        retry_after: 1.5,
      })
    },
  )

  test('says nothing of what is inside', async () => {
    await using server = await testServer({
      'endpoints/broken.json': endpoint('/broken', [
        { function: 'Create Variable', name: 'x', value: null },
        { function: 'For Each', input: '{{x.y.z}}', inner_functions: [send('never')] },
      ]),
    })
    const answer = await server.call('/broken')
    expect(answer.status).toBe(500)
    expect(answer.text).not.toMatch(/\/tmp|node_modules|\.ts:|at Object|stack/)
  })
})

describe('a failure after the first chunk', () => {
  const failing = async (): Promise<TestServer> =>
    testServer({
      'endpoints/half.json': endpoint('/half', [
        send('good'),
        { function: 'Throw Error', message: 'out of paper', code: 'paper', recoverable: true, retry_after: 2 },
        send('never'),
      ]),
    })
  const error = { code: 'paper', message: 'out of paper', recoverable: true, retry_after: 2 }

  test('ndjson tells it once in band, then the outcome', async () => {
    await using server = await failing()
    const answer = await server.call('/half?format=ndjson')
    expect(answer.status).toBe(200)
    expect(ndjsonLines(answer.text)).toEqual([
      { offset: 1, type: 'chunk', content: 'good', metadata: null },
      { offset: 2, type: 'error', error },
      { type: 'end', outcome: 'failed', offset: 2, error },
    ])
    expect(answer.ending).toBe('clean')
  })

  test('sse has an event of its own for it', async () => {
    await using server = await failing()
    const answer = await server.call('/half?format=sse')
    expect(answer.text).toBe(
      'id: 1\ndata: "good"\n\n' +
        `id: 2\nevent: error\ndata: ${JSON.stringify(error)}\n\n` +
        `event: end\ndata: {"outcome":"failed","offset":2,"error":${JSON.stringify(error)}}\n\n`,
    )
  })

  test('json is a problem answer that holds what was sent', async () => {
    await using server = await failing()
    const answer = await server.call('/half?format=json')
    expect(answer.status).toBe(500)
    expect(problem(answer)).toMatchObject({
      code: 'paper',
      outcome: 'failed',
      chunks: [{ offset: 1, content: 'good', metadata: null }],
    })
  })

  test('lines tell it in a last line and break the connection', async () => {
    await using server = await failing()
    const answer = await server.call('/half?format=lines')
    expect(answer.text).toBe(`good\n{"error":${JSON.stringify(error)}}\n`)
    expect(answer.ending).toBe('broken')
  })

  test('text adds nothing and breaks the connection', async () => {
    await using server = await failing()
    const answer = await server.call('/half?format=text')
    expect(answer.text).toBe('good')
    expect(answer.ending).toBe('broken')
  })

  test.each(['lines', 'text'])('%s over HTTP/1.1 has no last chunk', async (format) => {
    await using server = await failing()
    const { received } = await rawRequest(server.url, `GET /half?format=${format} HTTP/1.1\r\nHost: x\r\n\r\n`)
    expect(received).toContain('good')
    expect(received).not.toMatch(/\r\n0\r\n\r\n$/)
  })

  test.each(['lines', 'text'])('%s over HTTP/1.0 ends in a reset, not in a close', async (format) => {
    await using server = await failing()
    const { received, error: end } = await rawRequest(server.url, `GET /half?format=${format} HTTP/1.0\r\n\r\n`)
    expect(received).toContain('good')
    expect(end).toBe('ECONNRESET')
  })

  test('a stream that completes ends in a plain close over HTTP/1.0', async () => {
    await using server = await twoWays()
    const { received, error: end } = await rawRequest(server.url, 'GET /all?format=text HTTP/1.0\r\n\r\n')
    expect(received).toMatch(/\r\n\r\none two/)
    expect(received).not.toContain('Transfer-Encoding')
    expect(end).toBeNull()
  })
})

/** Everything that a bare socket gets for some bytes. */
function rawRequest(url: string, bytes: string): Promise<{ received: string; error: string | null }> {
  return new Promise((resolve) => {
    let received = ''
    let error: string | null = null
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (data) => {
      received += data.toString()
    })
    socket.on('error', (reason: NodeJS.ErrnoException) => {
      error = reason.code ?? reason.message
    })
    socket.on('close', () => resolve({ received, error }))
  })
}

describe('heartbeats', () => {
  const quiet = async (stack: readonly unknown[]): Promise<TestServer> =>
    testServer({
      'streamstack.yaml': { streams: { heartbeat: 100 } },
      'endpoints/quiet.json': endpoint('/quiet', stack, {}),
    })
  const sleep = { function: 'Sleep', duration: 400 }

  test('a silent event stream gets comments, which no reader sees as chunks', async () => {
    await using server = await quiet([send('a'), sleep, send('b')])
    const { text } = await server.call('/quiet?format=sse')
    expect(text).toContain(': keep-alive\n\n')
    expect(text.replaceAll(': keep-alive\n\n', '')).toBe(
      'id: 1\ndata: "a"\n\nid: 2\ndata: "b"\n\nevent: end\ndata: {"outcome":"completed","offset":2,"error":null}\n\n',
    )
  })

  test('a silent NDJSON stream gets empty lines', async () => {
    await using server = await quiet([send('a'), sleep, send('b')])
    const { text } = await server.call('/quiet?format=ndjson')
    expect(text).toContain('}\n\n')
    expect(contents(text)).toEqual(['a', 'b'])
  })

  test.each([
    ['lines', 'a\nb\n'],
    ['text', 'ab'],
  ])('%s gets nothing that the stack did not send', async (format, text) => {
    await using server = await quiet([send('a'), sleep, send('b')])
    expect((await server.call(`/quiet?format=${format}`)).text).toBe(text)
  })

  test('before the first chunk it begins the answer', async () => {
    await using server = await quiet([sleep, { function: 'Throw Error', message: 'late' }])
    const answer = await server.call('/quiet?format=sse')
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('"code":"thrown"')
    expect(answer.text).toContain('"outcome":"failed"')
  })

  test.each(['lines', 'text'])('a failure after the answer began is no clean end: %s', async (format) => {
    await using server = await quiet([sleep, { function: 'Throw Error', message: 'late' }])
    const answer = await server.call(`/quiet?format=${format}`)
    expect(answer.ending).toBe('broken')
    // `text` has no place for it.
    expect(answer.text.includes('"code":"thrown"')).toBe(format === 'lines')
  })
})

describe('the kinds of chunks', () => {
  const kinds = ['text', 'json', 'reasoning', 'tool_call', 'tool_result', 'source', 'usage', 'status', 'replace']
  const asked = (): Promise<TestServer> =>
    testServer({
      'endpoints/kinds.json': endpoint('/kinds', [
        ...kinds.map((kind) => ({ ...send(kind), kind })),
        { ...send('one two'), kind: 'reasoning', chunk_by: 'words' },
      ]),
    })

  test.each([
    ['lines', '', 'text\n"json"\n'],
    ['text', '', 'text"json"'],
    [
      'lines',
      '&kinds=reasoning,usage',
      '{"reasoning":"reasoning"}\n{"usage":"usage"}\n{"reasoning":"one "}\n{"reasoning":"two"}\n',
    ],
    ['text', '&kinds=reasoning', 'reasoningone two'],
    [
      'sse',
      '&kinds=text,status',
      'id: 1\ndata: "text"\n\nid: 8\nevent: status\ndata: "status"\n\nevent: end\ndata: {"outcome":"completed","offset":11,"error":null}\n\n',
    ],
    [
      'ndjson',
      '&kinds=usage',
      '{"offset":7,"type":"chunk","kind":"usage","content":"usage","metadata":null}\n{"type":"end","outcome":"completed","offset":11,"error":null}\n',
    ],
  ])('%s%s', async (format, query, text) => {
    await using server = await asked()
    expect((await server.call(`/kinds?format=${format}${query}`)).text).toBe(text)
  })

  test.each(['ndjson', 'json'])('%s carries all of them, and says which is what', async (format) => {
    await using server = await asked()
    const { text } = await server.call(`/kinds?format=${format}`)
    for (const kind of kinds) {
      const isContent = kind === 'text' || kind === 'json'
      expect(text.includes(`"kind":"${kind}"`)).toBe(!isContent)
      expect(text).toContain(`"content":"${kind}"`)
    }
  })

  test('that the caller asks for pass a reader that comes back, too', async () => {
    await using server = await asked()
    const { headers } = await server.call('/kinds')
    const { text } = await server.call(`${String(headers['stream-url'])}?format=lines&kinds=source,replace&offset=6`)
    expect(text).toBe('{"replace":"replace"}\n')
  })

  test('that there are not are refused, with the one that was meant', async () => {
    await using server = await asked()
    const answer = await server.call('/kinds?kinds=text,reasonning')
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.text)).toMatchObject({
      code: 'header_invalid',
      detail: 'There is no kind "reasonning" of chunks. Did you mean `reasoning`?',
    })
  })

  test('are handed out by the client where it asks for them, whatever travels', async () => {
    await using server = await asked()
    const client = createClient({ url: server.url })
    for (const format of ['ndjson', 'sse', 'lines', 'json'] as const) {
      const own = await client.call('GET /kinds', {}, { format }).result()
      expect(own.chunks.map(({ kind }) => kind)).toEqual(['text', 'text'])
      const some = await client.call('GET /kinds', {}, { format, kinds: ['status', 'usage'] }).result()
      expect(some.chunks.map(({ kind, content }) => [kind, content])).toEqual([
        ['usage', 'usage'],
        ['status', 'status'],
      ])
      const all = await client.call('GET /kinds', {}, { format, kinds: 'all' }).result()
      expect(all.chunks).toHaveLength(11)
    }
    const text = await client.call('GET /kinds', {}, { format: 'text', kinds: ['reasoning'] }).result()
    expect(text.chunks.map(({ content }) => content).join('')).toBe('reasoningone two')
    const over = createClient({ url: server.url, transport: 'websocket' })
    const { chunks } = await over.call('GET /kinds', {}, { kinds: ['tool_call'] }).result()
    expect(chunks).toMatchObject([{ kind: 'tool_call', content: 'tool_call', offset: 4 }])
    over.close()
  })
})

describe('clients that can send no header', () => {
  test('say with ?lastEventId= what they have received', async () => {
    await using server = await testServer({
      'endpoints/e.json': endpoint('/e', [send('a'), send('b'), send('c')]),
      'endpoints/named.json': endpoint('/named', [send('{{lastEventId}}')], { inputs: { lastEventId: 'text' } }),
      'channels/news.yaml': { publish: true, subscribe: true },
    })
    const first = await server.call('/e?format=lines&idempotency_key=k')
    const again = await server.call('/e?format=lines&idempotency_key=k&lastEventId=2')
    expect([again.headers['stream-run'], again.text]).toEqual([first.headers['stream-run'], 'c\n'])
    const run = String(first.headers['stream-url'])
    expect((await server.call(`${run}?format=lines&lastEventId=1&offset=2`)).text).toBe('b\nc\n')
    const header = { 'Last-Event-ID': '2' }
    expect((await server.call(`${run}?format=lines&lastEventId=1`, { headers: header })).text).toBe('c\n')
    expect((await server.call(`${run}?live=sse&offset=-1&lastEventId=now`)).text).not.toContain('"content"')
    // Without a key it would begin a run in its middle.
    expect(problem(await server.call('/e?lastEventId=2'))).toMatchObject({ code: 'offset_invalid' })
    expect((await server.call('/named?format=lines&lastEventId=2')).text).toBe('2\n')
    const { offset } = JSON.parse((await server.call('/v1/channels/news', { body: { content: 'one' } })).text) as {
      offset: number
    }
    await server.call('/v1/channels/news', { body: { content: 'two' } })
    const held = await server.call(`/v1/channels/news?format=json&lastEventId=${offset}`)
    expect(held.text).toContain('"two"')
    expect(held.text).not.toContain('"one"')
  })
})
