import { expect, test } from 'vitest'
import { testServer } from '@streamstack/test-support/test-server'

test('readers of one stream with other cursors get the same chunks, each with a cursor that takes it on', async () => {
  const server = await testServer({ 'streamstack.yaml': { streams: { access: 'open', log: 'memory' } } })
  await using _ = server
  const text = { 'content-type': 'text/plain' }
  await server.call('/v1/stream/news', { method: 'PUT', headers: text })
  const first = await server.call('/v1/stream/news')
  const current = Number(first.headers['stream-cursor'])
  // Far ahead of the clock, as after a cache has answered twice.
  const ahead = current + 1_000
  const cursors = ['', `&cursor=${ahead}`, '', `&cursor=${ahead + 500}`, `&cursor=${current - 1}`, '']
  const readers = await Promise.all(
    cursors.map(async (cursor) => server.open(`/v1/stream/news?offset=-1&live=sse${cursor}`)),
  )
  for (const body of ['one', 'two']) await server.call('/v1/stream/news', { method: 'POST', headers: text, body })
  await server.call('/v1/stream/news', { method: 'POST', headers: { 'stream-closed': 'true' } })
  const bodies = await Promise.all(readers.map(async ({ ended }) => (await ended).text))
  for (const [index, body] of bodies.entries()) {
    expect(
      body
        .replace(/\n/g, ' ')
        .match(/data:(one|two|onetwo)(?= )/g)
        ?.join('')
        .replace(/data:/g, ''),
    ).toBe('onetwo')
    const told = [...body.matchAll(/"streamCursor":"(\d+)"/g)].map(([, cursor]) => Number(cursor))
    expect(told.length).toBeGreaterThan(0)
    const sent = Number(cursors[index]?.slice('&cursor='.length) || 0)
    for (const cursor of told) {
      expect(cursor).toBeGreaterThan(sent)
      // A reader that is not ahead shares the cursor of the clock, whatever a reader beside it has.
      if (sent < current) expect(cursor - current).toBeLessThanOrEqual(1)
    }
  }
})
