import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OWNER, credentialOf, headersOf } from './support/callers.ts'
import { rawExchange } from './support/raw-connection.ts'
import { type Stage, stage } from './support/stage.ts'

let on: Stage

beforeAll(async () => {
  on = await stage()
})

afterAll(async () => {
  await on?.[Symbol.asyncDispose]()
})

const NOBODY_STATUSES = [400, 401, 403, 404, 405, 414, 421, 426]

describe('another spelling of a path', () => {
  /** What is guarded, what an entitled caller sees there, and who that is. */
  const guarded = [
    ['/metrics', /streamstack_/, 'operator'],
    ['/v1/workspace', /"endpoints"/, 'developer'],
    ['/v1/stream/logs/one', /log of/, 'streamer'],
    ['/v1/stream/system/activity', /"endpoint"/, 'operator'],
    ['/notes', /a note of/, 'owner'],
    ['/v1/channels/vault', /published by/, 'owner'],
  ] as const

  const spellings: readonly ((path: string) => string)[] = [
    (path) => `/${path}`,
    (path) => `/.${path}`,
    (path) => `/x/..${path}`,
    (path) => `/healthz/..${path}`,
    (path) => `/healthz/%2e%2e${path}`,
    (path) => `/healthz/..%2f${path.slice(1)}`,
    (path) => `/healthz/..%252f${path.slice(1)}`,
    (path) => `/healthz%2f..${path}`,
    (path) => `/healthz/..;${path}`,
    (path) => `/public${path}`,
    (path) => `/elements${path}`,
    (path) => `/elements/..${path}`,
    (path) => `/elements/..%2f..${path}`,
    (path) => `/console/..${path}`,
    (path) => `/console/%2e%2e${path}`,
    (path) => `/console/..%5c${path.slice(1)}`,
    (path) => `${path}/`,
    (path) => `${path}/.`,
    (path) => `${path}//`,
    (path) => `${path};x=1`,
    (path) => `${path}#`,
    (path) => `${path}#/healthz`,
    (path) => `${path}%00`,
    (path) => `${path}%20`,
    (path) => `${path}%23`,
    (path) => `${path}%3f`,
    (path) => `${path}%0d%0aX: y`.replaceAll(' ', '%20'),
    (path) => `${path}?format=json&x=%0d%0a`,
    (path) => path.toUpperCase(),
    (path) => path.replace(/[a-z]/, (letter) => `%${letter.codePointAt(0)?.toString(16)}`),
    (path) => path.replace(/[a-z]/, (letter) => `%25${letter.codePointAt(0)?.toString(16)}`),
    (path) => path.replaceAll('/', '%2f').replace('%2f', '/'),
    (path) => path.replaceAll('/', '\\').replace('\\', '/'),
    (path) => `http://HOST${path}`,
    (path) => `http://HOST//${path.slice(1)}`,
    (path) => `/healthz?${path}`,
    (path) => `*${path}`,
  ]

  test.each(guarded)('of %s shows nothing to a caller without the right', async (path, shows, entitled) => {
    const twin = await on.open(`${path}${path.startsWith('/v1/channels') ? '?format=json' : ''}`, entitled)
    await expect.poll(() => shows.test(twin.text)).toBe(true)
    twin.leave()
    for (const spell of spellings) {
      for (const who of ['nobody', 'wrong role', 'expired'] as const) {
        const spelled = spell(path).replace('HOST', new URL(on.server.url).host)
        const token = credentialOf(who)
        const authorization = token === null ? '' : `Authorization: Bearer ${token}\r\n`
        const host = new URL(on.server.url).host
        const request = `GET ${spelled} HTTP/1.1\r\nHost: ${host}\r\n${authorization}Connection: close\r\n\r\n`
        const { statuses, text } = await rawExchange(on.server.url, request)
        const isHarmless = /^\/healthz|^\/console|^\/elements|^\/public/.test(spelled)
        const allowed = isHarmless ? [...NOBODY_STATUSES, 200, 308] : [...NOBODY_STATUSES, 403]
        expect([spelled, who, allowed.includes(statuses[0] ?? 0), statuses.length]).toEqual([spelled, who, true, 1])
        expect([spelled, who, shows.test(text), text.includes(OWNER)]).toEqual([spelled, who, false, false])
      }
    }
  })

  test('is no route of the server, for any caller: a proxy that guards a path need not know its other spellings', async () => {
    for (const [path, , entitled] of guarded) {
      if (path === '/notes') continue
      const escaped = path.replace(/[a-z]/, (letter) => `%${letter.codePointAt(0)?.toString(16)}`)
      expect([escaped, (await on.call(escaped, entitled)).status]).toEqual([escaped, 404])
    }
  })

  test('reads no file from outside of its folder', async () => {
    const up = ['..', '%2e%2e', '..%2f..', '%252e%252e', '....//', '..\\..', '%c0%ae%c0%ae', '..%00']
    for (const folder of ['/elements', '/console', '/dashboards', '/v1/stream/logs']) {
      for (const step of up) {
        for (const file of ['etc/passwd', 'package.json', 'streamstack.yaml']) {
          const path = `${folder}/${`${step}/`.repeat(6)}${file}`
          const answer = await on.call(path, 'streamer')
          expect([path, answer.status >= 400]).toEqual([path, true])
          expect(answer.text).not.toMatch(/root:|"dependencies"|jwt|\/tmp\//)
        }
      }
    }
    expect((await on.call('/elements/page.css', 'nobody')).status).toBe(200)
  })
})

describe('a request whose end can be read in two ways', () => {
  const HOST = 'Host: 127.0.0.1\r\n'
  /** What is smuggled: it would be answered with 204 and take the stream away. */
  const hidden = (): string =>
    `DELETE /v1/stream/logs/one HTTP/1.1\r\n${HOST}Authorization: Bearer ${credentialOf('streamer')}\r\n\r\n`
  const post = (fields: string, body: string): string =>
    `POST /said HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n${fields}\r\n${body}`
  const JSON_BODY = '{"content":1}'
  const chunked = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`

  test.each<[string, () => string]>([
    ['a length', () => post(`Content-Length: ${JSON_BODY.length}\r\n`, JSON_BODY)],
    ['chunks', () => post('Transfer-Encoding: chunked\r\n', chunked(JSON_BODY))],
    ['the same length in one field', () => post(`Content-Length:  ${JSON_BODY.length} \r\n`, JSON_BODY)],
  ])('is none with %s: the one behind it is answered on its own', async (_, make) => {
    const next = `GET /public HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`
    const { statuses, text } = await rawExchange(on.server.url, `${make()}${next}`, 2)
    expect(statuses).toEqual([200, 200])
    expect(text).toMatch(/said: 1[^]*open to all/)
  })

  test.each<[string, () => string]>([
    ['a length and chunks', () => post(`Content-Length: 4\r\nTransfer-Encoding: chunked\r\n`, `0\r\n\r\n${hidden()}`)],
    ['chunks and a length', () => post(`Transfer-Encoding: chunked\r\nContent-Length: 6\r\n`, `0\r\n\r\n${hidden()}`)],
    ['two lengths', () => post(`Content-Length: 0\r\nContent-Length: ${hidden().length}\r\n`, hidden())],
    ['two lengths in one field', () => post(`Content-Length: 0, ${hidden().length}\r\n`, hidden())],
    ['a length with a sign', () => post(`Content-Length: +0\r\n`, hidden())],
    ['a length below zero', () => post(`Content-Length: -1\r\n`, hidden())],
    ['a length in hexadecimal', () => post(`Content-Length: 0x0\r\n`, hidden())],
    ['a length with a blank in it', () => post(`Content-Length: 0 0\r\n`, hidden())],
    ['a length beyond all bounds', () => post(`Content-Length: 99999999999999999999999\r\n`, hidden())],
    ['a coding that only looks like chunks', () => post(`Transfer-Encoding: xchunked\r\n`, `0\r\n\r\n${hidden()}`)],
    ['chunks that are not the last coding', () => post(`Transfer-Encoding: chunked, gzip\r\n`, `0\r\n\r\n${hidden()}`)],
    [
      'chunks twice',
      () => post(`Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n`, `0\r\n\r\n${hidden()}`),
    ],
    ['a blank before the colon', () => post(`Transfer-Encoding : chunked\r\n`, `0\r\n\r\n${hidden()}`)],
    [
      'a folded field',
      () => post(`X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 4\r\n`, `0\r\n\r\n${hidden()}`),
    ],
    ['a tab before the name', () => post(`\tTransfer-Encoding: chunked\r\n`, `0\r\n\r\n${hidden()}`)],
    [
      'a bare line feed',
      () => post(`X: y\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n`, `0\r\n\r\n${hidden()}`),
    ],
    ['a bare carriage return', () => post(`X: y\rTransfer-Encoding: chunked\r\n`, `0\r\n\r\n${hidden()}`)],
    ['a NUL in a field', () => post(`X: a\0b\r\nContent-Length: 0\r\n`, hidden())],
    ['a chunk of no size', () => post(`Transfer-Encoding: chunked\r\n`, `\r\n\r\n${hidden()}`)],
    ['a chunk below zero', () => post(`Transfer-Encoding: chunked\r\n`, `-1\r\n\r\n${hidden()}`)],
    ['a chunk beyond all bounds', () => post(`Transfer-Encoding: chunked\r\n`, `ffffffffffffffffff\r\n${hidden()}`)],
    ['chunks ended by line feeds', () => post(`Transfer-Encoding: chunked\r\n`, `1\n{\n0\n\n${hidden()}`)],
    [
      'a chunk that is longer than its size',
      () => post(`Transfer-Encoding: chunked\r\n`, `1\r\n{}\r\n0\r\n\r\n${hidden()}`),
    ],
  ])('carries no second one: %s', async (_, make) => {
    await rawExchange(on.server.url, make())
    const twin = await on.call('/v1/stream/logs/one', 'streamer', { method: 'HEAD' })
    expect(twin.status).toBe(200)
  })

  test('a request behind a whole one is carried out', async () => {
    const whole = post(`Content-Length: ${JSON_BODY.length}\r\n`, JSON_BODY)
    const { statuses } = await rawExchange(on.server.url, `${whole}${hidden()}`, 2)
    expect(statuses).toEqual([200, 204])
    const again = { method: 'PUT', headers: { 'Content-Type': 'text/plain' }, body: `log of ${OWNER}` }
    expect((await on.call('/v1/stream/logs/one', 'streamer', again)).status).toBe(201)
  })
})

describe('a field that decides, sent twice', () => {
  const token = (who: 'owner' | 'other user'): string => `Authorization: Bearer ${credentialOf(who)}\r\n`

  test.each<[string, string, number]>([
    ['one of each', token('owner'), 200],
    ['Authorization of two callers', `${token('other user')}${token('owner')}`, 400],
    ['Authorization twice the same', `${token('owner')}authorization: ${headersOf('owner')['Authorization']}\r\n`, 400],
    ['Authorization that is empty first', `Authorization: \r\n${token('owner')}`, 400],
    ['Host', `Host: other\r\n${token('owner')}`, 400],
    ['Origin', `Origin: http://127.0.0.1\r\nOrigin: https://evil.example\r\n${token('owner')}`, 400],
  ])('%s', async (_, fields, status) => {
    const request = `GET /notes HTTP/1.1\r\nHost: 127.0.0.1\r\n${fields}Connection: close\r\n\r\n`
    const { statuses, text } = await rawExchange(on.server.url, request)
    expect(statuses).toEqual([status])
    expect(text.includes(OWNER)).toBe(status === 200)
  })
})

describe('a caller that says where it comes from', () => {
  /** The server does not trust these: `server.trusted_proxies` is empty. */
  const told = {
    'X-Forwarded-Host': 'localhost',
    'X-Forwarded-For': '127.0.0.1',
    'X-Forwarded-Proto': 'https',
    Forwarded: 'for=127.0.0.1;host=localhost;proto=https',
    'X-Original-URL': '/metrics',
    'X-Rewrite-URL': '/metrics',
    'X-HTTP-Method-Override': 'DELETE',
    'X-Forwarded-Prefix': '/metrics',
  }

  test('gets what it would get without it', async () => {
    for (const path of ['/metrics', '/v1/workspace', '/v1/runs', '/public', '/v1/stream/logs/one']) {
      const [plain, forwarded] = await Promise.all([
        on.call(path, 'nobody'),
        on.call(path, 'nobody', { headers: told }),
      ])
      expect([path, forwarded.status, forwarded.text]).toEqual([path, plain.status, plain.text])
    }
    expect(
      (
        await on.call('/v1/stream/logs/one', 'streamer', {
          method: 'POST',
          headers: { ...told, 'Content-Type': 'text/plain' },
          body: 'x',
        })
      ).status,
    ).toBe(204)
    expect((await on.call('/v1/stream/logs/one', 'streamer')).status).toBe(200)
  })
})
