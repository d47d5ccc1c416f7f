import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { XanoNodeClient } from '@xano/js-sdk'
import { SignJWT } from 'jose'
import { chromium } from 'playwright-core'
import { XanoNodeClient as XanoNodeClient2 } from 'xano-js-sdk-2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromiumPath } from '@streamstack/test-support/elements-stage'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a secret of at least 32 characters, for tests'

const FILES = {
  'streamstack.yaml': {
    server: { xano: true, cors: { origins: ['https://app.example'], credentials: true } },
    auth: { jwt: { secret: SECRET } },
  },
  'endpoints/chat.json': endpoint(
    '/api/stream-chat',
    [
      send('Hello {{message}}'),
      send('two\nlines, ä 😀', { n: 1 }),
      send({ rows: [1, 2], note: 'a\nb' }),
      send(['x']),
      send(7),
      send('[DONE]'),
    ],
    { method: 'POST', inputs: { message: { type: 'text', default: 'you' } } },
  ),
  'endpoints/inputs.json': endpoint('/inputs', [send('{{ids}}'), send('{{filter.name}}')], {
    inputs: { ids: { type: 'list' }, filter: { type: 'object' } },
  }),
  'endpoints/user.json': endpoint('/users/:id', [send('user {{id}}')], { inputs: { id: { type: 'text' } } }),
  'endpoints/edit.json': endpoint('/users/:id', [send('edited {{id}}')], {
    method: 'PATCH',
    inputs: { id: { type: 'text' } },
  }),
  'endpoints/replace.json': endpoint('/users/:id', [send('replaced {{id}}')], {
    method: 'PUT',
    inputs: { id: { type: 'text' } },
  }),
  'endpoints/short.json': endpoint('/both', [send('without prefix')]),
  'endpoints/long.json': endpoint('/api/both', [send('with prefix')]),
  'endpoints/secret.json': endpoint('/api/secret', [send('for {{auth.sub}}')], {
    method: 'POST',
    settings: { authentication: true },
  }),
  'endpoints/fails.json': endpoint('/api/fails', [send('before'), send('{{ [1].missing.deep }}')]),
  'endpoints/fails-later.json': endpoint(
    '/api/fails-later',
    [send('before'), { function: 'Sleep', duration: '50ms' }, send('{{ [1].missing.deep }}')],
    { method: 'POST' },
  ),
  'endpoints/early.json': endpoint('/api/early', [send('{{ [1].missing.deep }}')]),
  'endpoints/empty.json': endpoint('/api/empty', [send(null)]),
  'endpoints/endless.json': endpoint(
    '/api/endless',
    [
      {
        function: 'While Loop',
        condition: 'true',
        inner_functions: [send('tick'), { function: 'Sleep', duration: '10ms' }],
      },
    ],
    { settings: { authentication: true, disconnect_grace: '0s' } },
  ),
  'endpoints/chat-sdk.json': endpoint('/api/ui', [send('hi')], { method: 'POST', settings: { format: 'ai-sdk' } }),
}

let server: TestServer
beforeAll(async () => {
  server = await testServer(FILES)
})
afterAll(() => server[Symbol.asyncDispose]())

describe.each([
  ['3.0.1', XanoNodeClient],
  ['2.0.1', XanoNodeClient2],
])('@xano/js-sdk %s', (version, Client) => {
  const client = (more: object = {}): XanoNodeClient =>
    new Client({ apiGroupBaseUrl: `${server.url}/api:AbC-12`, ...more }) as XanoNodeClient

  async function streamed(start: (take: (event: { data: string }) => void) => Promise<unknown>): Promise<string[]> {
    const events: string[] = []
    await start(({ data }) => events.push(data))
    return events
  }

  test('streams each content as it is, objects as JSON, and nothing else', async () => {
    const events = await streamed((take) => client().post('/stream-chat', { message: 'Ada' }, {}, take))
    expect(events).toEqual(['Hello Ada', 'two\nlines, ä 😀', '{"rows":[1,2],"note":"a\\nb"}', '["x"]', '7', '[DONE]'])
  })

  test('posts without a body, with branch, data source and metadata', async () => {
    const events = await streamed((take) =>
      new Client({ apiGroupBaseUrl: `${server.url}/api:AbC-12:v2`, dataSource: 'test' }).post(
        '/stream-chat?include_metadata=true',
        undefined,
        { 'X-Branch': 'v2' },
        take,
      ),
    )
    expect(events[0]).toBe('{"content":"Hello you","metadata":null}')
    expect(events[1]).toBe('{"content":"two\\nlines, ä 😀","metadata":{"n":1}}')
  })

  test('streams by GET, PUT and PATCH, with lists and objects in the query', async () => {
    const query = { ids: [1, 2], filter: { name: 'a b&c' } }
    expect(await streamed((take) => client().get('/inputs', query, {}, take))).toEqual(['["1","2"]', 'a b&c'])
    expect(await streamed((take) => client().get('/users/7', undefined, {}, take))).toEqual(['user 7'])
    expect(await streamed((take) => client().patch('/users/7', {}, {}, take))).toEqual(['edited 7'])
    expect(await streamed((take) => client().put('/users/7', {}, {}, take))).toEqual(['replaced 7'])
  })

  test('reaches an endpoint by its own path first', async () => {
    expect(await streamed((take) => client().get('/both', undefined, {}, take))).toEqual(['without prefix'])
  })

  test('sends its token; a refused call throws with the status', async () => {
    const authToken = await tokenOf('ada')
    const events = await streamed((take) => client({ authToken }).post('/secret', {}, {}, take))
    expect(events).toEqual(['for ada'])
    const refused = await client()
      .post('/secret', {}, {}, () => expect.unreachable())
      .catch((error: unknown) => error)
    expect((refused as { getResponse(): { getStatusCode(): number } }).getResponse().getStatusCode()).toBe(401)
  })

  test('a failure is no event: after a chunk the connection breaks, before it the call has a status', async () => {
    const events: string[] = []
    const broken = client().get('/fails', undefined, {}, ({ data }: { data: string }) => events.push(data))
    await expect(broken).rejects.toThrow()
    expect(events).toEqual(['before'])
    await expect(client().get('/early', undefined, {}, () => expect.unreachable())).rejects.toThrow(/error with your/)
  })

  test('an endpoint that sends nothing is an empty stream, not 204', async () => {
    expect(await streamed((take) => client().get('/empty', undefined, {}, take))).toEqual([])
  })

  test('an abort ends the run', async () => {
    const stop = new AbortController()
    const authToken = await tokenOf(`leaver-${version}`)
    const one = client({ authToken, customAxiosRequestConfig: { signal: stop.signal } })
    await expect(one.get('/endless', undefined, {}, () => stop.abort())).rejects.toThrow()
    const outcomes = async (): Promise<unknown> => {
      const { text } = await server.call('/v1/runs', { headers: { Authorization: `Bearer ${authToken}` } })
      return (JSON.parse(text) as { runs: { outcome: string | null }[] }).runs.map(({ outcome }) => outcome)
    }
    await expect.poll(outcomes).toEqual(['cancelled'])
  })
})

function tokenOf(sub: string): Promise<string> {
  return new SignJWT({ sub })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(SECRET))
}

describe.skipIf(chromiumPath === undefined)('in a browser, on a page of another origin', () => {
  test.each(['@xano/js-sdk', 'xano-js-sdk-2'])(
    'the script of %s streams with token, branch and data source',
    async (name) => {
      const script = readFileSync(fileURLToPath(new URL(`../node_modules/${name}/dist/xano.min.js`, import.meta.url)))
      const pages = createServer((request, response) => {
        const isScript = request.url === '/xano.js'
        response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
        response.end(isScript ? script : '<!doctype html><title>page</title><script src="/xano.js"></script>')
      })
      await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
      const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
      await using own = await testServer({
        ...FILES,
        'streamstack.yaml': { server: { xano: true, cors: { origins: [origin] } }, auth: { jwt: { secret: SECRET } } },
      })
      const browser = await chromium.launch({
        executablePath: chromiumPath ?? '',
        headless: true,
        args: ['--no-sandbox', '--disable-quic'],
      })
      try {
        const page = await browser.newPage()
        await page.goto(origin)
        const config = { apiGroupBaseUrl: `${own.url}/api:AbC-12`, dataSource: 'test', authToken: await tokenOf('ada') }
        const read = (endpointName: string): Promise<string[]> =>
          page.evaluate(
            `(async () => { const got = []; const ended = await new XanoClient(${JSON.stringify(config)}).post('${endpointName}', {}, { 'X-Branch': 'v2' }, ({ data }) => got.push(data)).then(() => 'whole', () => 'broken'); return [...got, ended] })()`,
          )
        expect(await read('/secret')).toEqual(['for ada', 'whole'])
        // A browser may drop what it has not read yet when a connection breaks.
        expect((await read('/fails-later')).at(-1)).toBe('broken')
      } finally {
        await browser.close()
        pages.close()
      }
    },
  )
})

test('the wire has no ids, no names and no end event', async () => {
  const { status, headers, text, ending } = await server.call('/api:x/stream-chat', {
    body: { message: 'you' },
    headers: { Accept: 'application/json, text/plain, */*' },
  })
  expect([status, headers['content-type'], ending]).toEqual([200, 'text/event-stream; charset=utf-8', 'clean'])
  expect(text).toBe(
    'data: Hello you\n\ndata: two\ndata: lines, ä 😀\n\ndata: {"rows":[1,2],"note":"a\\nb"}\n\ndata: ["x"]\n\ndata: 7\n\ndata: [DONE]\n\n',
  )
})

test('?format= overrides the wire of the path', async () => {
  const { text } = await server.call('/api:x/both?format=lines')
  expect(text).toBe('without prefix\n')
})

test('a preflight of the SDK is answered for the origin that asks', async () => {
  const { status, headers } = await server.call('/api:x/stream-chat', {
    method: 'OPTIONS',
    headers: {
      Origin: 'https://app.example',
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization,content-type,x-branch,x-data-source',
    },
  })
  expect(status).toBe(204)
  expect(headers['access-control-allow-origin']).toBe('https://app.example')
  const allowed = String(headers['access-control-allow-headers']).toLowerCase().split(', ')
  expect(allowed).toEqual(expect.arrayContaining(['authorization', 'content-type', 'x-branch', 'x-data-source']))
})

test.each([
  ['/api:/both', 404],
  ['/api:x', 404],
  ['/api:x/', 404],
  ['/api:x:y:z/both', 404],
  ['/api:x::/both', 404],
  ['/api/both:x', 404],
  ['/v1/api:x/both', 404],
  ['/api:x/api:y/both', 404],
  ['/api:x/healthz', 404],
  ['/api:x/v1/runs', 404],
  ['/api:x/../v1/runs', 404],
  ['/api:x/ui/some-chat/stream', 404],
  ['/api:x/nothing', 404],
  ['/api:x/%ff', 400],
  ['/api:x/stream-chat', 405],
])('GET %s is answered with %i', async (path, status) => {
  expect((await server.call(path)).status).toBe(status)
})

test('without the setting there is no such path', async () => {
  await using plain = await testServer({ 'endpoints/both.json': endpoint('/api/both', [send('x')]) })
  expect((await plain.call('/api:x/both')).status).toBe(404)
  expect((await plain.call('/api/both?format=xano')).text).toBe('data: x\n\n')
})
