import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contents, ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

let server: TestServer

const cut = (content: unknown, more: object): object => ({ function: 'Streaming API Response', content, ...more })

beforeAll(async () => {
  const relay = {
    function: 'External API Request (Streaming)',
    url: '/deltas',
    headers: { Accept: 'text/event-stream' },
  }
  server = await testServer({
    'streamstack.yaml': { outbound: { allow: ['self'] } },
    'endpoints/nulls.json': endpoint('/nulls', [
      { step: 'Things', variables: { thing: {}, nothing: null } },
      send('a'),
      send(null),
      send('{{thing.missing}}'),
      cut('{{nothing}}', { chunk_by: 'words', delay: 1, final_metadata: { n: 1 } }),
      send('{{0 / 0}}'),
      send('b'),
    ]),
    'endpoints/wanted-nulls.json': endpoint('/wanted-nulls', [
      cut(null, { send_null: true }),
      send('{{JSON.stringify(null)}}'),
      send([null]),
      send(''),
      send(0),
    ]),
    'endpoints/places.json': endpoint('/places', [
      {
        function: 'For Each',
        input: ['one two three', 'four'],
        inner_functions: [
          cut('{{item}}', {
            chunk_by: 'words',
            chunk_size: 2,
            metadata: { piece: '{{piece_index}}/{{piece_count}}', round: '{{loop_index}}/{{array_length}}' },
          }),
        ],
      },
      cut([1, 2, 3], { chunk_by: 'records', chunk_size: 2, final_metadata: { piece: '{{piece_index + 1}}' } }),
      cut('whole', { metadata: { piece: '{{piece_index}}/{{piece_count}}' } }),
    ]),
    'endpoints/text.json': endpoint('/text', [cut('one two three four', { metadata: { m: 1 } })], { method: 'POST' }),
    'endpoints/text-get.json': endpoint('/text', [cut('one two three four', { metadata: { m: 1 } })]),
    'endpoints/own-options.json': endpoint('/own-options', [send('{{options}} one two')], {
      method: 'POST',
      inputs: { options: { type: 'text' } },
    }),
    'endpoints/deltas.json': endpoint('/deltas', [
      send({ role: 'model' }),
      {
        function: 'For Each',
        input: ['One t', 'wo', ' three fo', 'ur', ' five six', '.'],
        inner_functions: [send({ d: '{{item}}' })],
      },
    ]),
    'endpoints/relay.json': endpoint('/relay', [
      {
        ...relay,
        inner_functions: [
          cut('{{item.d}}', {
            chunk_by: 'words',
            chunk_size: 3,
            metadata: { i: '{{piece_index}}', n: '{{piece_count}}' },
          }),
        ],
      },
      send({ after: true }),
    ]),
    'endpoints/plain-relay.json': endpoint('/plain-relay', [
      { ...relay, inner_functions: [send('{{item.d}}')] },
      send('!'),
    ]),
    'endpoints/apart.json': endpoint('/apart', [
      { ...relay, inner_functions: [cut('{{item.d}}', { chunk_by: 'words', chunk_size: 3, join: false })] },
    ]),
    'endpoints/broken-relay.json': endpoint('/broken-relay', [
      { ...relay, inner_functions: [cut('{{item.d}}', { chunk_by: 'words', chunk_size: 4 })] },
      { function: 'Throw Error', message: 'over' },
    ]),
  })
})

afterAll(() => server[Symbol.asyncDispose]())

async function sent(path: string, options: { body?: unknown } = {}): Promise<unknown[]> {
  const join = path.includes('?') ? '&' : '?'
  const answer = await server.call(`${path}${join}format=ndjson`, options)
  expect(answer.status).toBe(200)
  return contents(answer.text)
}

describe('a content of null', () => {
  test('sends nothing, in no format', async () => {
    expect(await sent('/nulls')).toEqual(['a', 'b'])
    expect((await server.call('/nulls?format=text')).text).toBe('ab')
    expect((await server.call('/nulls?format=lines')).text).toBe('a\nb\n')
    expect((await server.call('/nulls?format=sse')).text).not.toContain('data: null')
  })

  test('is sent where the step says so, and as a part of something', async () => {
    expect(await sent('/wanted-nulls')).toEqual([null, 'null', [null], '', 0])
  })
})

test('metadata tell the place of a piece among those of its content, beside the round of the loop', async () => {
  const answer = await server.call('/places?format=ndjson')
  const metadata = ndjsonLines(answer.text).flatMap(({ type, metadata: own }) => (type === 'chunk' ? [own] : []))
  expect(metadata).toEqual([
    { piece: '0/2', round: '0/2' },
    { piece: '1/2', round: '0/2' },
    { piece: '0/1', round: '1/2' },
    { piece: 1 },
    { piece: 2 },
    { piece: '0/1' },
  ])
})

describe('what a caller asks for with `options`', () => {
  test('holds on an endpoint that does not declare them', async () => {
    expect(await sent('/text', { body: { options: { chunk_size: 2 } } })).toEqual(['one two ', 'three four'])
    expect(await sent('/text', { body: { options: { chunk_size: '2', delay: '1ms' } } })).toEqual([
      'one two ',
      'three four',
    ])
    expect(await sent('/text', { body: {} })).toEqual(['one two three four'])
    expect(await sent('/text?options=%7B%22chunk_size%22:3%7D')).toEqual(['one two three ', 'four'])
    const asked = await server.call('/text?format=sse', { body: { options: { include_metadata: true } } })
    expect(asked.text).toContain('"metadata":{"m":1}')
    expect((await server.call('/text?format=sse&include_metadata=true')).text).toContain('"metadata":{"m":1}')
    expect((await server.call('/text?format=sse', { body: {} })).text).not.toContain('metadata')
  })

  test.each([
    { chunk_size: 0 },
    { chunk_size: 1.5 },
    { delay: -1 },
    { delay: '2h' },
    { delay: 'soon' },
    { include_metadata: 'maybe' },
  ])('%j is refused with the name of the option', async (options) => {
    const answer = await server.call('/text', { body: { options } })
    expect(answer.status).toBe(400)
    expect(JSON.stringify(problem(answer))).toContain(`options.${Object.keys(options)[0]}`)
  })

  test('means nothing where the endpoint declares `options` for something else', async () => {
    expect(await sent('/own-options', { body: { options: 'x' } })).toEqual(['x one two'])
  })
})

describe('deltas of a stream', () => {
  test('are joined to pieces of the size that the step names, and the rest leaves before anything else', async () => {
    const answer = await server.call('/relay?format=ndjson')
    const chunks = ndjsonLines(answer.text).filter(({ type }) => type === 'chunk')
    expect(chunks.map(({ content, metadata }) => [content, metadata])).toEqual([
      ['One two three ', { i: 0, n: null }],
      ['four five six.', { i: 1, n: null }],
      [{ after: true }, null],
    ])
  })

  test('are joined to the size that the caller asks for', async () => {
    const size = async (words: number): Promise<unknown[]> =>
      sent(`/plain-relay?options=%7B%22chunk_size%22:${words}%7D`)
    expect(await size(1)).toEqual(['One ', 'two ', 'three ', 'four ', 'five ', 'six.', '!'])
    expect(await size(4)).toEqual(['One two three four ', 'five six.', '!'])
    expect(await size(100)).toEqual(['One two three four five six.', '!'])
    expect(await sent('/plain-relay')).toEqual(['One t', 'wo', ' three fo', 'ur', ' five six', '.', '!'])
  })

  test('are cut one by one where the step does not join them', async () => {
    expect(await sent('/apart')).toEqual(['One t', 'wo', ' three fo', 'ur', ' five six', '.'])
  })

  test('are not lost when the run fails with a piece half full', async () => {
    const lines = ndjsonLines((await server.call('/broken-relay?format=ndjson')).text)
    expect(lines.flatMap(({ type, content }) => (type === 'chunk' ? [content] : []))).toEqual([
      'One two three four ',
      'five six.',
    ])
    expect(lines.at(-1)).toMatchObject({ type: 'end', outcome: 'failed' })
  })
})
