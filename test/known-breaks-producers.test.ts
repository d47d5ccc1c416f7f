import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Answer, problem } from '@streamstack/test-support/http-client'
import { type TestServer, testServer } from '@streamstack/test-support/test-server'

const LOGS = ['memory', 'sqlite'] as const
const STREAM = '/v1/stream/a'

async function streamServer(log: string): Promise<TestServer> {
  const server = await testServer({ 'streamstack.yaml': { streams: { access: 'open', log } } })
  await server.call(STREAM, { method: 'PUT', headers: { 'content-type': 'application/json' } })
  return server
}

interface Sent {
  epoch: number
  seq: number
  body: unknown
  id?: string
}

function send(server: TestServer, { epoch, seq, body, id = 'p' }: Sent): Promise<Answer> {
  const headers = { 'Producer-Id': id, 'Producer-Epoch': String(epoch), 'Producer-Seq': String(seq) }
  return server.call(STREAM, { method: 'POST', headers, body })
}

const messages = async (server: TestServer): Promise<unknown[]> =>
  JSON.parse((await server.call(STREAM)).text) as unknown[]

describe.each(LOGS)('producers: %s', (log) => {
  test('two with one epoch that send the same numbers leave one copy of each, in order', async () => {
    await using server = await streamServer(log)
    const count = 60
    const taken: { seq: number; by: string }[] = []
    const twin = async (by: string): Promise<void> => {
      for (let seq = 0; seq < count; seq++) {
        const { status, headers } = await send(server, { epoch: 4, seq, body: { seq, by } })
        expect([by, seq, status]).toEqual([by, seq, expect.toBeOneOf([200, 204])])
        expect(headers['producer-epoch']).toBe('4')
        if (status === 200) taken.push({ seq, by })
      }
    }
    await Promise.all([twin('left'), twin('right')])
    const kept = (await messages(server)) as { seq: number; by: string }[]
    expect(kept.map(({ seq }) => seq)).toEqual(Array.from({ length: count }, (_, seq) => seq))
    // A publisher that was told that its message is new finds that very message.
    expect(kept).toEqual(taken.toSorted((a, b) => a.seq - b.seq))
  })

  test('one that sends everything at once, each twice, leaves one copy of each, told as new once', async () => {
    await using server = await streamServer(log)
    const copies = Array.from({ length: 40 }, (_, index) => Math.floor(index / 2))
    const answers = await Promise.all(copies.map((seq) => send(server, { epoch: 0, seq, body: { seq } })))
    for (const [index, answer] of answers.entries()) {
      if (answer.status !== 409) continue
      expect(problem(answer)['code']).toBe('sequence_conflict')
      expect(answer.headers['producer-received-seq']).toBe(String(copies[index]))
      expect(Number(answer.headers['producer-expected-seq'])).toBeLessThan(copies[index] ?? 0)
    }
    // What was refused for its gap goes through when it is sent again in order.
    for (let seq = 0; seq < 20; seq++) answers.push(await send(server, { epoch: 0, seq, body: { seq } }))
    expect(await messages(server)).toEqual(Array.from({ length: 20 }, (_, seq) => ({ seq })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(20)
    for (const { status } of answers.slice(copies.length)) expect(status).toBeOneOf([200, 204])
  })

  test('a zombie with an old epoch, gaps and numbers that are none change nothing', async () => {
    await using server = await streamServer(log)
    await send(server, { epoch: 1, seq: 0, body: { said: 'a' } })
    const early = await send(server, { epoch: 2, seq: 3, body: { said: 'x' } })
    expect([early.status, problem(early)['code']]).toEqual([400, 'header_invalid'])
    expect((await send(server, { epoch: 2, seq: 0, body: { said: 'b' } })).status).toBe(200)
    for (const seq of [0, 1, 2]) {
      const zombie = await send(server, { epoch: 1, seq, body: { said: 'zombie' } })
      expect([zombie.status, problem(zombie)['code']]).toEqual([403, 'producer_fenced'])
      expect(zombie.headers['producer-epoch']).toBe('2')
    }
    const gap = await send(server, { epoch: 2, seq: 2, body: { said: 'x' } })
    expect([gap.status, problem(gap)['code']]).toEqual([409, 'sequence_conflict'])
    expect([gap.headers['producer-expected-seq'], gap.headers['producer-received-seq']]).toEqual(['1', '2'])
    for (const [epoch, seq] of [
      ['-1', '0'],
      ['2', '-1'],
      ['2', '1.5'],
      ['2', '1e0'],
      ['2', '99999999999999999'],
      ['', '1'],
      ['two', '1'],
    ] as const) {
      const headers = { 'Producer-Id': 'p', 'Producer-Epoch': epoch, 'Producer-Seq': seq }
      const answer = await server.call(STREAM, { method: 'POST', headers, body: { said: 'x' } })
      expect([epoch, seq, answer.status]).toEqual([epoch, seq, 400])
    }
    const twice = await send(server, { epoch: 2, seq: 0, body: { said: 'other' } })
    expect([twice.status, twice.text]).toEqual([204, ''])
    expect(await messages(server)).toEqual([{ said: 'a' }, { said: 'b' }])
  })
})

test('a duplicate of what is just being committed is answered with it, not before and not as new', async () => {
  await using server = await streamServer('sqlite')
  // A process that holds the file's write lock delays the commit.
  const other = new DatabaseSync(join(server.dir, '.streamstack/streams.sqlite'))
  other.exec('BEGIN IMMEDIATE')
  let settled = 0
  const sent = [0, 0, 1, 0].map(async (seq) => {
    const answer = await send(server, { epoch: 0, seq, body: { seq } })
    settled += 1
    return answer.status
  })
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect([settled, (await server.call(STREAM)).text]).toEqual([0, '[]'])
  other.exec('COMMIT')
  other.close()
  const statuses = await Promise.all(sent)
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 204, 204])
  expect(await messages(server)).toEqual([{ seq: 0 }, { seq: 1 }])
})
