import { describe, expect, test } from 'vitest'
import { problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const server = (): Promise<TestServer> => testServer({ 'endpoints/a.json': endpoint('/a', [send('a')]) })

/** The data of the events of one name. */
const events = (text: string, name: string): Record<string, unknown>[] =>
  text
    .split('\n\n')
    .filter((event) => event.startsWith(`event: ${name}\n`))
    .map((event) => JSON.parse(event.split('data: ')[1] ?? '') as Record<string, unknown>)

describe('the probe', () => {
  test('sends events at known times, and tells what it saw of the request without a secret', async () => {
    await using origin = await server()
    const answer = await origin.call('/v1/probe?chunks=3&interval=10&id=0123456789', {
      headers: { Authorization: 'Bearer s3cret', 'Last-Event-ID': '7', 'X-Forwarded-For': '10.1.2.3' },
    })
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'stream-url': '/v1/probe/0123456789',
    })
    expect(events(answer.text, 'request')).toMatchObject([
      { protocol: 1, id: '0123456789', authorization: true, last_event_id: '7', forwarding: ['x-forwarded-for'] },
    ])
    expect(events(answer.text, 'tick').map(({ number }) => number)).toEqual([1, 2, 3])
    expect(events(answer.text, 'end')).toMatchObject([{ sha256: expect.stringMatching(/^[\da-f]{64}$/) as string }])
    expect(answer.text).not.toMatch(/s3cret|10\.1\.2\.3/)
    expect(JSON.parse((await origin.call('/v1/probe/0123456789')).text)).toMatchObject({ state: 'ended', ticks: 3 })
  })

  test('knows whether its reader left', async () => {
    await using origin = await server()
    const open = await origin.open('/v1/probe?chunks=1&interval=2000&id=0123456789')
    await open.until('event: request')
    const state = async (): Promise<unknown> =>
      (JSON.parse((await origin.call('/v1/probe/0123456789')).text) as { state: string }).state
    expect(await state()).toBe('reading')
    open.leave()
    await expect.poll(state).toBe('left')
    expect(JSON.parse((await origin.call('/v1/probe/9876543210')).text)).toEqual({
      state: 'unknown',
      ticks: 0,
      after_ms: null,
    })
  })

  test.each([
    ['chunks=101', 'chunks'],
    ['chunks=-1', 'chunks'],
    ['interval=5000', 'interval'],
    ['bytes=5000', 'bytes'],
    ['chunks=100&bytes=1000', 'bytes'],
    ['silence=600001', 'silence'],
    ['heartbeats=maybe', 'heartbeats'],
    ['id=short', 'id'],
    ['id=a%0D%0Ab-123456', 'id'],
  ])('refuses ?%s', async (query, path) => {
    await using origin = await server()
    const answer = await origin.call(`/v1/probe?${query}`)
    expect(answer.status).toBe(400)
    expect(problem(answer)).toMatchObject({ code: 'input_invalid', errors: [{ path }] })
  })

  test('turns away what is too much at once, the long ones sooner', async () => {
    await using origin = await server()
    const long = await Promise.all(Array.from({ length: 4 }, () => origin.open('/v1/probe?silence=60000')))
    const refused = await origin.call('/v1/probe?silence=60000')
    expect(refused.status).toBe(503)
    expect(refused.headers['retry-after']).toBe('60')
    const short = await Promise.all(Array.from({ length: 12 }, () => origin.open('/v1/probe?silence=5000')))
    expect((await origin.call('/v1/probe')).status).toBe(503)
    for (const open of [...long, ...short]) open.leave()
    await expect.poll(async () => (await origin.call('/v1/probe')).status).toBe(200)
  })

  test('an id is for one probe, and HEAD starts none', async () => {
    await using origin = await server()
    await origin.call('/v1/probe?id=0123456789')
    expect((await origin.call('/v1/probe?id=0123456789')).status).toBe(400)
    expect((await origin.call('/v1/probe?id=9876543210', { method: 'HEAD' })).status).toBe(405)
    expect((await origin.call('/v1/probe/9876543210')).text).toContain('"unknown"')
  })
})
