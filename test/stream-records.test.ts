import { expect, test } from 'vitest'
import { contents, ndjsonLines } from '@streamstack/test-support/http-client'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

const COUNT = 250

test('records go out by themselves, page after page, none of them empty', async () => {
  const get = (more: object): object => ({ function: 'Get Records', table: 'people', chunk_by: 'records', ...more })
  const records = Array.from({ length: COUNT }, (_, i) => ({ id: i + 1, team: i % 5, secret: `s${i}` }))
  const server = await testServer(
    {
      'endpoints/all.json': endpoint(
        '/all',
        [
          get({
            order: 'id ASC',
            chunk_size: '{{size}}',
            columns: ['id'],
            metadata: {
              batch: '{{batch_number}}',
              here: '{{records_in_batch}}',
              percent: '{{(total_processed / estimated_total) * 100}}',
            },
          }),
          send('[COMPLETE]'),
        ],
        { inputs: { size: { type: 'integer', default: 100 } } },
      ),
      'endpoints/some.json': endpoint(
        '/some',
        [
          get({
            where: 'team == {{team}}',
            order: 'id DESC',
            limit: '{{limit}}',
            offset: '{{offset}}',
            chunk_size: 20,
            columns: ['id'],
          }),
        ],
        { inputs: { team: 'integer', limit: 'integer', offset: { type: 'integer', default: 0 } } },
      ),
      'endpoints/redacted.json': endpoint('/redacted', [
        { function: 'Redact', fields: ['secret'] },
        get({ chunk_size: 200, order: 'id ASC' }),
      ]),
    },
    {
      tables: {
        people: {
          declaration: { columns: { id: { type: 'integer', primary: true }, team: 'integer', secret: 'text' } },
          records,
        },
      },
    },
  )
  try {
    const sent = async (path: string): Promise<{ id: number }[][]> =>
      contents((await server.call(path)).text) as unknown as { id: number }[][]
    for (const size of [1, 7, 50, 125, 250, 1000]) {
      const chunks = await sent(`/all?format=ndjson&size=${size}`)
      expect(chunks.pop()).toBe('[COMPLETE]')
      expect(chunks.map((chunk) => chunk.length)).not.toContain(0)
      expect(chunks).toHaveLength(Math.ceil(COUNT / size))
      expect(chunks.flat().map(({ id }) => id)).toEqual(records.map(({ id }) => id))
    }
    const lines = ndjsonLines((await server.call('/all?format=ndjson')).text)
    expect(lines.slice(0, 3).map(({ metadata }) => metadata)).toEqual([
      { batch: 1, here: 100, percent: 40 },
      { batch: 2, here: 100, percent: 80 },
      { batch: 3, here: 50, percent: 100 },
    ])
    const team = records
      .filter(({ team: own }) => own === 3)
      .map(({ id }) => id)
      .toReversed()
    const ids = async (path: string): Promise<number[]> => (await sent(path)).flat().map(({ id }) => id)
    expect(await ids('/some?format=ndjson&team=3')).toEqual(team)
    expect(await ids('/some?format=ndjson&team=3&limit=33&offset=5')).toEqual(team.slice(5, 38))
    expect(await ids('/some?format=ndjson&team=3&limit=40')).toEqual(team.slice(0, 40))
    for (const nothing of ['team=9', 'team=3&limit=0', 'team=3&offset=50']) {
      expect(await sent(`/some?format=ndjson&${nothing}`)).toEqual([])
    }
    const redacted = (await server.call('/redacted?format=ndjson')).text
    expect(redacted).not.toContain('"s1"')
    expect(redacted).toContain('[redacted]')
  } finally {
    await server[Symbol.asyncDispose]()
  }
})
