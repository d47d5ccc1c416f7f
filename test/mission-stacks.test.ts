import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { contents, ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { testServer } from '@streamstack/test-support/test-server'

const fixture = (name: string): Promise<string> =>
  readFile(new URL(`fixtures/mission/${name}.json`, import.meta.url), 'utf8')

const LINES = [
  'Welcome to our streaming API!',
  'This content appears progressively.',
  'Each chunk streams immediately.',
  'Providing real-time user feedback.',
  'Stream complete - thank you!',
]

/** The two blocks as one file: the end of the first and the beginning of the second object are left out. */
async function basicEndpoint(): Promise<string> {
  const [settings, stack] = await Promise.all([fixture('endpoint-settings'), fixture('function-stack')])
  return `${settings.trimEnd().slice(0, -1)},${stack.slice(stack.indexOf('{') + 1)}`
}

describe('the basic stack with its endpoint configuration', () => {
  const chat = async () => testServer({ 'endpoints/chat.json': await basicEndpoint() })
  const body = { message: 'hello' }

  test('streams line by line as the declared text/plain, with the declared headers', async () => {
    await using server = await chat()
    const answer = await server.call('/api/stream-chat', { body })
    expect(answer.status).toBe(200)
    expect(answer.ending).toBe('clean')
    expect(answer.text).toBe([...LINES, '[DONE]', ''].join('\n'))
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(answer.headers['cache-control']).toBe('no-cache, no-transform')
    expect(answer.headers['transfer-encoding']).toBe('chunked')
  })

  test('gives each chunk its place, the number of all and the time', async () => {
    await using server = await chat()
    const answer = await server.call('/api/stream-chat?format=ndjson', { body })
    const lines = ndjsonLines(answer.text)
    expect(lines.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5, 6, 6])
    for (const [index, { content, metadata }] of lines.slice(0, 5).entries()) {
      expect(content).toBe(LINES[index])
      expect(metadata).toEqual({
        chunk_index: index,
        total_chunks: 5,
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      })
    }
    expect(lines[5]).toEqual({ offset: 6, type: 'chunk', content: '[DONE]', metadata: null })
    expect(lines[6]).toEqual({ type: 'end', outcome: 'completed', offset: 6, error: null })
  })

  test('as the n8n workflow asks for it: event stream, ten words a chunk, metadata along', async () => {
    await using server = await chat()
    const answer = await server.call('/api/stream-chat', {
      headers: { Accept: 'text/event-stream' },
      body: { message: 'hi', options: { chunk_size: 2, include_metadata: true } },
    })
    const data = [...answer.text.matchAll(/^data: (.*)$/gm)].map(([, text]) => text ?? '')
    const pieces = data.slice(0, -2).map((text) => JSON.parse(text) as { content: string; metadata: object })
    expect(pieces.map(({ content }) => content).join('')).toBe(LINES.join(''))
    expect(pieces[0]).toMatchObject({ content: 'Welcome to ', metadata: { chunk_index: 0 } })
    expect(data.at(-2)).toBe('[DONE]')
    expect(data.at(-1)).toBe(`{"outcome":"completed","offset":${pieces.length + 1},"error":null}`)
  })

  test('refuses a call without the required input, and names it', async () => {
    await using server = await chat()
    const answer = await server.call('/api/stream-chat', { body: { options: { chunk_size: 'many' } } })
    expect(answer.status).toBe(400)
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(problem(answer)).toMatchObject({ code: 'input_invalid', status: 400 })
    expect(answer.text).toContain('message')
    expect(answer.headers['stream-run']).toBeUndefined()
  })

  test.each([
    [{ chunk_size: 0 }, 'options.chunk_size'],
    [{ delay: -1 }, 'options.delay'],
    [{ include_metadata: 'maybe' }, 'options.include_metadata'],
  ])('refuses the options %j', async (options, place) => {
    await using server = await chat()
    const answer = await server.call('/api/stream-chat', { body: { message: 'x', options } })
    expect(answer.status).toBe(400)
    expect(problem(answer)['errors']).toMatchObject([{ path: place }])
  })
})

const ORDERS = {
  columns: { id: { type: 'integer', primary: true }, name: { type: 'text' } },
}
const orders = (count: number) => ({
  declaration: ORDERS,
  records: Array.from({ length: count }, (_, i) => ({ id: i + 1, name: `order ${i + 1}` })),
})

describe.each(['large-dataset', 'large-dataset-stack'])('the stack of %s', (name) => {
  const dataset = async (count: number) =>
    testServer(
      { 'streamstack.yaml': { variables: { target_table: 'orders' } }, 'endpoints/data.json': await fixture(name) },
      { tables: { orders: orders(count) } },
    )

  test('pages through all records in order, and tells how far it is', async () => {
    await using server = await dataset(250)
    const answer = await server.call('/data?format=ndjson', { method: 'POST' })
    const lines = ndjsonLines(answer.text)
    const batches = lines.filter(({ type, content }) => type === 'chunk' && Array.isArray(content))
    expect(batches.flatMap(({ content }) => content)).toEqual(orders(250).records)
    expect(batches.map(({ metadata }) => metadata)).toEqual([
      { batch_number: 1, records_in_batch: 100, total_processed: 0, progress_percentage: 0 },
      { batch_number: 2, records_in_batch: 100, total_processed: 100, progress_percentage: 40 },
      { batch_number: 3, records_in_batch: 50, total_processed: 200, progress_percentage: 80 },
    ])
    expect(lines.at(-2)).toEqual({
      offset: 4,
      type: 'chunk',
      content: '[COMPLETE]',
      metadata: { total_records: 250, processing_time: expect.any(Number) as number, status: 'success' },
    })
    expect(lines.at(-1)).toMatchObject({ type: 'end', outcome: 'completed' })
  })

  test('a number of records that is a multiple of the page ends with one empty batch, as written', async () => {
    await using server = await dataset(200)
    const lines = ndjsonLines((await server.call('/data?format=ndjson', { method: 'POST' })).text)
    expect(
      lines.filter(({ content }) => Array.isArray(content)).map(({ metadata }) => metadata?.['records_in_batch']),
    ).toEqual([100, 100, 0])
    expect(lines.at(-2)?.metadata).toMatchObject({ total_records: 200 })
  })

  test('an empty table is one empty batch; the share of nothing is null', async () => {
    await using server = await dataset(0)
    const lines = ndjsonLines((await server.call('/data?format=ndjson', { method: 'POST' })).text)
    expect(lines[0]).toMatchObject({ content: [], metadata: { records_in_batch: 0, progress_percentage: null } })
    expect(lines.at(-1)).toMatchObject({ outcome: 'completed' })
  })

  test('each batch is one line of JSON in plain text', async () => {
    await using server = await dataset(3)
    const answer = await server.call('/data', { method: 'POST', headers: { Accept: 'text/plain' } })
    expect(answer.text).toBe(`${JSON.stringify(orders(3).records)}\n[COMPLETE]\n`)
  })
})

describe('the multi-source stack', () => {
  test('merges a table and a monitoring service into one stream, in the order of its sources', async () => {
    const monitoring = createServer((_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' })
      response.end('{"cpu":0.5}')
    })
    await new Promise<void>((resolve) => monitoring.listen(0, '127.0.0.1', resolve))
    const host = `127.0.0.1:${(monitoring.address() as AddressInfo).port}`
    try {
      await using server = await testServer(
        {
          'streamstack.yaml': {
            variables: { monitoring_api_endpoint: `http://${host}/metrics` },
            outbound: { allow: [host] },
          },
          'endpoints/dashboard.json': await fixture('multi-source'),
        },
        {
          tables: {
            user_analytics: {
              declaration: { columns: { id: { type: 'integer', primary: true }, visits: { type: 'integer' } } },
              records: [
                { id: 1, visits: 7 },
                { id: 2, visits: 9 },
              ],
            },
          },
        },
      )
      const lines = ndjsonLines((await server.call('/dashboard?format=ndjson', { method: 'POST' })).text)
      expect(lines).toEqual([
        {
          offset: 1,
          type: 'chunk',
          content: [
            { id: 1, visits: 7 },
            { id: 2, visits: 9 },
          ],
          metadata: { source: 'users', type: 'analytics' },
        },
        { offset: 2, type: 'chunk', content: { cpu: 0.5 }, metadata: { source: 'system', type: 'monitoring' } },
        { type: 'end', outcome: 'completed', offset: 2, error: null },
      ])
    } finally {
      monitoring.closeAllConnections()
      monitoring.close()
    }
  })
})

describe('the error-handling stack', () => {
  test('tells the error in a chunk, with what the caller may do about it, and completes', async () => {
    await using server = await testServer({
      'streamstack.yaml': { variables: { problem: 'the printer is out of paper' } },
      'endpoints/errors.json': await fixture('error-handling'),
    })
    const answer = await server.call('/errors?format=ndjson', { method: 'POST' })
    expect(contents(answer.text)).toEqual(['Main streaming logic', 'Error occurred: the printer is out of paper'])
    expect(ndjsonLines(answer.text)[1]?.metadata).toEqual({ type: 'error', recoverable: true, retry_after: 3 })
    expect(ndjsonLines(answer.text).at(-1)).toMatchObject({ outcome: 'completed', error: null })
    expect(answer.text).not.toContain('never')
  })

  test('with its words in place of a try block it has nothing to try, and completes', async () => {
    const words = (await fixture('error-handling')).replace(
      /"try_block": \[[\s\S]*?\n {6}\],/,
      '"try_block": "Main streaming logic",',
    )
    expect(words).not.toContain('Throw Error')
    await using server = await testServer({ 'endpoints/errors.json': words })
    const answer = await server.call('/errors?format=ndjson', { method: 'POST' })
    expect(ndjsonLines(answer.text)).toEqual([{ type: 'end', outcome: 'completed', offset: 0, error: null }])
  })
})
