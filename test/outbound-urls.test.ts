import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contents, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

let upstream: Server
let host: string
/** What the upstream was asked for, with the key that came along. */
const asked: { url: string; key: string | undefined }[] = []
let server: TestServer

const inputs = { v: { type: 'any' } }
const request = (url: string): object => ({
  function: 'External API Request',
  url,
  headers: { Authorization: 'Bearer sk-own' },
})

beforeAll(async () => {
  upstream = createServer((incoming, response) => {
    asked.push({ url: incoming.url ?? '', key: incoming.headers.authorization })
    response.end('ok')
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const urls = {
    path: `http://${host}/item/{{v}}`,
    middle: `http://${host}/item/{{v}}/edit?key=k`,
    part: `http://${host}/item/id-{{v}}.json`,
    query: `http://${host}/search?q={{v}}&key=k`,
    name: `http://${host}/search?{{v}}=1&key=k`,
    fragment: `http://${host}/page#{{v}}`,
    port: `http://127.0.0.1:{{v}}/`,
    host: `http://{{v}}/`,
    subdomain: `http://{{v}}.example.invalid/`,
    glued: `http://127.0.0.1{{v}}`,
    dashed: `http://api-{{v}}/`,
    password: `http://user:{{v}}@${host}/`,
    encoded: `http://${host}/item/{{encodeURIComponent(v)}}`,
    whole: '{{v}}',
    base: '{{v}}/item/{{v.length}}',
    own: '/api/{{v}}?format=text',
    ownQuery: '/api/x?to={{v}}&format=text',
  }
  server = await testServer({
    'streamstack.yaml': { outbound: { allow: [host, 'self'] } },
    ...Object.fromEntries(
      Object.entries(urls).map(([name, url]) => [
        `endpoints/${name}.json`,
        endpoint(`/${name}`, [request(url), send('{{response}}')], { method: 'POST', inputs }),
      ]),
    ),
    'endpoints/echo.json': endpoint('/api/{id}', [send('own')], { inputs: { id: 'text' } }),
  })
})

afterAll(async () => {
  await server.close()
  upstream.closeAllConnections()
  upstream.close()
})

/** The URL that the upstream got, or the code of the error. */
async function urlOf(name: string, v: unknown): Promise<string> {
  asked.length = 0
  const answer = await server.call(`/${name}?format=ndjson`, { body: { v } })
  if (answer.status !== 200) {
    expect(asked).toEqual([])
    return String(problem(answer)['code'])
  }
  return asked[0]?.url ?? contents(answer.text).join()
}

describe('a value in the path of an outbound URL', () => {
  test.each<[unknown, string]>([
    ['a b', '/item/a%20b'],
    [42, '/item/42'],
    ['æ', '/item/%C3%A6'],
    ['a/b', '/item/a%2Fb'],
    ['../admin', '/item/..%2Fadmin'],
    ['..%2f..%2fadmin', '/item/..%252f..%252fadmin'],
    ['..\\admin', '/item/..%5Cadmin'],
    ['?key=other', '/item/%3Fkey%3Dother'],
    ['#', '/item/%23'],
    ['a#b?c', '/item/a%23b%3Fc'],
    ['%3F', '/item/%253F'],
    ['\t/admin', '/item/%09%2Fadmin'],
    ['a\r\nX: y', '/item/a%0D%0AX%3A%20y'],
    ['@evil.example/', '/item/%40evil.example%2F'],
    ['http://evil.example', '/item/http%3A%2F%2Fevil.example'],
    ['...', '/item/...'],
    ['\uD800', '/item/%EF%BF%BD'],
    [['a', 'b c'], '/item/a/b%20c'],
    [{ a: 1 }, '/item/%7B%22a%22%3A1%7D'],
  ])('%j asks for %s', async (value, url) => {
    expect(await urlOf('path', value)).toBe(url)
  })

  test.each<[unknown]>([['.'], ['..'], ['%2e'], ['%2E%2e'], [''], [null], [['a', '..', 'b']], [['a', '']], [[]]])(
    '%j is refused, since it would ask for something else',
    async (value) => {
      const isLiteral = typeof value === 'string' && value.startsWith('%')
      // Encoded dots become a literal percent sign, and so are no dots any more.
      const wanted = isLiteral ? `/item/${encodeURIComponent(value)}` : 'input_unusable'
      expect(await urlOf('path', value)).toBe(wanted)
      expect(await urlOf('middle', value)).toBe(isLiteral ? `${wanted}/edit?key=k` : 'input_unusable')
    },
  )

  test('keeps to its part of a segment, and the rest of the URL stays', async () => {
    expect(await urlOf('part', '..')).toBe('/item/id-...json')
    expect(await urlOf('part', '')).toBe('/item/id-.json')
    expect(await urlOf('middle', 'x?y#z/..')).toBe('/item/x%3Fy%23z%2F../edit?key=k')
  })

  test('that is encoded by the expression is not encoded twice, and cannot lead elsewhere either', async () => {
    expect(await urlOf('encoded', 'a b/c')).toBe('/item/a%20b%2Fc')
    expect(await urlOf('encoded', '..')).toBe('input_unusable')
  })
})

describe('a value in the query of an outbound URL', () => {
  test.each<[unknown, string]>([
    ['a b', 'a%20b'],
    ['x&key=other', 'x%26key%3Dother'],
    ['x#', 'x%23'],
    ['a+b=c', 'a%2Bb%3Dc'],
    ['', ''],
    [null, ''],
    ['%26', '%2526'],
    ['\r\n', '%0D%0A'],
    [[1, 2], '%5B1%2C2%5D'],
  ])('%j stays a value', async (value, text) => {
    expect(await urlOf('query', value)).toBe(`/search?q=${text}&key=k`)
    expect(await urlOf('name', value)).toBe(`/search?${text}=1&key=k`)
  })

  test('in a fragment goes nowhere', async () => {
    expect(await urlOf('fragment', '/../x?y')).toBe('/page')
  })
})

describe('a value in the place of a host', () => {
  test.each([
    'evil.example/',
    'a@b',
    'evil.example?',
    'evil.example#',
    'a\\b',
    'a:80',
    'a b',
    '',
    '%2f',
    'a\tb',
    '..//',
  ])('%j is refused beside text', async (value) => {
    expect(await urlOf('subdomain', value)).toBe('input_unusable')
  })

  test.each([
    ['glued', '.evil.example'],
    ['glued', '.1'],
    ['glued', ':80'],
    ['glued', '@evil.example'],
    ['glued', '/x'],
    ['glued', '\\evil.example'],
    ['dashed', 'a.evil.example'],
    ['dashed', 'evil.example:80'],
    ['password', 'secret@evil.example'],
    ['password', '80@evil.example/'],
    ['password', '/'],
  ])('never ends the name that stands before it: %s, %j', async (name, value) => {
    expect(await urlOf(name, value)).toBe('input_unusable')
  })

  test('is a host, with or without a port, and nothing more', async () => {
    expect(await urlOf('host', host)).toBe('/')
    for (const value of [`${host}/x`, `user@${host}`, `${host}?x`, `${host}#`, '']) {
      expect(await urlOf('host', value)).toBe('input_unusable')
    }
    expect(await urlOf('port', Number(host.split(':')[1]))).toBe('/')
    expect(await urlOf('port', '80/x')).toBe('input_unusable')
  })
})

test('a value that is the whole URL, or its beginning, stays as it is', async () => {
  expect(await urlOf('whole', `http://${host}/a/b?c=d&e=%20f`)).toBe('/a/b?c=d&e=%20f')
  expect(await urlOf('base', `http://${host}`)).toBe(`/item/${host.length + 7}`)
  expect(await urlOf('whole', 'not a url')).toBe('input_unusable')
  expect(await urlOf('whole', { a: 1 })).toBe('input_unusable')
  expect(await urlOf('whole', 'file:///etc/passwd')).toBe('input_unusable')
})

describe('a URL that is only a path', () => {
  test('reaches this server', async () => {
    expect(await urlOf('whole', '/api/x?format=text')).toBe('own')
    expect(await urlOf('own', 'a/b?c')).toBe('own')
    expect(await urlOf('ownQuery', 'http://evil.example')).toBe('own')
  })

  test('never leaves it, however it is spelled', async () => {
    const spellings = [
      `//${host}/steal`,
      `/\t/${host}/steal`,
      `/\n/${host}/steal`,
      `/\r/${host}/steal`,
      `\t//${host}/steal`,
      ` //${host}/steal`,
      `\u0000//${host}/steal`,
      `/\\${host}/steal`,
      `\\\\${host}/steal`,
      `\\/${host}/steal`,
      `/\t\\${host}/steal`,
      `///${host}/steal`,
      `/\t/\t/${host}/steal`,
      `/api/../\t/${host}`,
      '/api/x\u0001',
    ]
    for (const spelling of spellings)
      expect(await urlOf('whole', spelling), JSON.stringify(spelling)).toBe('input_unusable')
    expect(await urlOf('own', `\t/${host}/steal`)).toBe('own')
  })
})

test('an endpoint that calls itself comes to an end, and holds few connections', async () => {
  const looping = await testServer({
    'streamstack.yaml': { outbound: { allow: ['self'] } },
    'endpoints/loop.json': endpoint('/loop', [
      {
        function: 'External API Request',
        url: '/loop?format=text',
        accept_any_status: true,
        headers: { 'streamstack-hops': '0' },
      },
      send('{{response_status}} {{response}}'),
    ]),
    'endpoints/count.json': endpoint('/count', [
      { function: 'External API Request', url: '/loop?format=text' },
      send('{{response}}'),
    ]),
  })
  try {
    const answer = await looping.call('/loop?format=text')
    expect(answer.text).toMatch(/^(?:200 ){7}508 /)
    expect(answer.text).toContain('chain of endpoints that call each other')
    // A caller that claims to be far down such a chain is refused the next call.
    const far = await looping.call('/count', { headers: { 'Streamstack-Hops': '8' } })
    expect(far.status).toBe(508)
    expect((await looping.call('/count', { headers: { 'Streamstack-Hops': 'many' } })).status).toBe(200)
  } finally {
    await looping[Symbol.asyncDispose]()
  }
})
