import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { OWNER, SECRET, headersOf } from './support/callers.ts'
import { filledPath, referenceRoutes } from './support/reference-routes.ts'

let server: TestServer

beforeAll(async () => {
  server = await testServer({
    'streamstack.yaml': {
      auth: { jwt: { secret: SECRET } },
      server: {
        cors: { origins: ['https://app.example', 'https://*.wild.example', 'http://localhost:*'], credentials: true },
      },
    },
    'endpoints/mine.json': endpoint('/mine', [send('secret of {{auth.sub}}')], { settings: { authentication: true } }),
    'endpoints/save.json': endpoint('/save', [send('saved')], { method: 'POST' }),
  })
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
})

/** Every path of the server, and two endpoints. */
const paths = [...new Set([...referenceRoutes.map(({ path }) => filledPath(path)), '/mine', '/save', '/missing'])]

const listed = ['https://app.example', 'HTTPS://APP.EXAMPLE', 'https://a.b.wild.example', 'http://localhost:5173']

const foreign = [
  'https://evil.example',
  'http://app.example',
  'https://app.example:8443',
  'https://app.example.evil.example',
  'https://evilapp.example',
  'https://app.example@evil.example',
  'https://evil.example/https://app.example',
  'https://app.example, https://evil.example',
  'https://evil.example#.wild.example',
  'https://evil.example/.wild.example',
  'https://wild.example',
  'https://.wild.example',
  'https://x_.wild.example.evil.example',
  'http://localhost.evil.example:80',
  'null',
  'file://',
  '*',
]

const leave = (headers: Readonly<Record<string, unknown>>): unknown => headers['access-control-allow-origin']

describe('a page of another origin', () => {
  test.each(listed)('that is listed may read every answer: %s', async (origin) => {
    for (const path of paths) {
      const asked = { Origin: origin, 'Access-Control-Request-Method': 'POST' }
      const preflight = await server.call(path, { method: 'OPTIONS', headers: asked })
      expect([path, preflight.status, leave(preflight.headers)]).toEqual([path, 204, origin])
      const plain = await server.call(path, { headers: { Origin: origin, Accept: 'application/json' } })
      // Pages and scripts of the server are for itself, or for every page.
      if (/^\/(?:elements|dashboards|console)/.test(path)) continue
      expect([path, leave(plain.headers)]).toEqual([path, origin])
    }
    const mine = await server.call('/mine', { headers: { Origin: origin, ...headersOf('owner') } })
    expect([mine.status, leave(mine.headers), mine.text.includes(OWNER)]).toEqual([200, origin, true])
    expect((await server.call('/save', { method: 'POST', headers: { Origin: origin }, body: '{}' })).status).toBe(200)
  })

  test.each(foreign)('that is not may read none, and change nothing: %s', async (origin) => {
    // One rule compares origins for all paths: the first few show that every path asks it.
    for (const path of foreign.indexOf(origin) < 3 ? paths : ['/mine', '/v1/runs', '/missing']) {
      const asked = { Origin: origin, 'Access-Control-Request-Method': 'POST' }
      const preflight = await server.call(path, { method: 'OPTIONS', headers: asked })
      expect([path, leave(preflight.headers), preflight.headers['access-control-allow-credentials']]).toEqual([
        path,
        undefined,
        undefined,
      ])
      const plain = await server.call(path, { headers: { Origin: origin, Accept: 'application/json' } })
      const isForAll = path.startsWith('/elements')
      expect([path, leave(plain.headers)]).toEqual([path, isForAll ? leave(plain.headers) : undefined])
      expect(plain.headers['access-control-allow-credentials']).toBeUndefined()
    }
    for (const { method, path } of foreign.indexOf(origin) < 3 ? referenceRoutes : []) {
      if (['GET', 'HEAD', 'OPTIONS'].includes(method)) continue
      const headers = { Origin: origin, 'Content-Type': 'text/plain', ...headersOf('streamer') }
      const answer = await server.call(filledPath(path), { method, headers, body: '{}' })
      expect([method, path, answer.status]).toEqual([method, path, 403])
    }
    const save = { method: 'POST', headers: { Origin: origin, 'Content-Type': 'text/plain' }, body: '{}' }
    expect((await server.call('/save', save)).status).toBe(403)
  })
})
