import { readFile, stat, symlink, truncate } from 'node:fs/promises'
import { type Server, type ServerResponse, createServer } from 'node:http'
import { type ClientHttp2Session, type IncomingHttpHeaders, connect } from 'node:http2'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { type JWK, SignJWT, exportJWK, generateKeyPair } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { serve } from 'streamstack'
import { type Answer, call, problem } from '@streamstack/test-support/http-client'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}.pem`, import.meta.url))
const tls = { cert: fixture('cert'), key: fixture('key') }
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

interface Http2Answer {
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Code of RST_STREAM; 0: a clean end. */
  readonly code: number
}

async function openSession(server: TestServer): Promise<ClientHttp2Session> {
  const session = connect(server.url, { ca: await readFile(tls.cert) })
  session.on('error', () => undefined)
  return session
}

function callHttp2(session: ClientHttp2Session, path: string): Promise<Http2Answer> {
  return new Promise((resolve) => {
    const stream = session.request({ ':path': path })
    let headers: IncomingHttpHeaders = {}
    let text = ''
    stream.on('response', (received) => {
      headers = received
    })
    stream.setEncoding('utf8').on('data', (data: string) => (text += data))
    stream.on('error', () => undefined)
    stream.on('close', () => resolve({ headers, text, code: stream.rstCode ?? 0 }))
    stream.end()
  })
}

describe('a caller who leaves while the keys for its token are being fetched', () => {
  let issuer: Server | null = null
  afterEach(async () => {
    const closing = issuer
    issuer = null
    closing?.closeAllConnections()
    await new Promise<void>((resolve) => (closing === null ? resolve() : closing.close(() => resolve())))
  })

  /** An issuer that answers when it is told to. */
  async function slowIssuer(keys: JWK[]): Promise<{ url: string; asked: Promise<void>; answer(): void }> {
    let waiting: ServerResponse | null = null
    let release = false
    const give = (response: ServerResponse): void => void response.end(JSON.stringify({ keys }))
    const server = createServer()
    issuer = server
    const asked = new Promise<void>((resolve) =>
      server.on('request', (_, response: ServerResponse) => {
        response.setHeader('content-type', 'application/json')
        if (release) give(response)
        else waiting = response
        resolve()
      }),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return {
      url: `http://127.0.0.1:${port}/jwks.json`,
      asked,
      answer() {
        release = true
        if (waiting !== null) give(waiting)
      },
    }
  }

  const cases = ['http/1.1', 'http/2'].flatMap((version) =>
    ['ndjson', 'json'].map((format) => [version, format] as const),
  )

  test.each(cases)('leaves no run behind that goes on: %s, %s', async (version, format) => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const issuing = await slowIssuer([{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }])
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setSubject('ann')
      .setExpirationTime('1h')
      .sign(privateKey)
    const headers = { authorization: `Bearer ${token}` }
    const settings = { authentication: true, on_disconnect: 'cancel', disconnect_grace: 20 }
    await using server = await testServer({
      'streamstack.yaml': {
        auth: { jwt: { jwks_url: issuing.url } },
        outbound: { allow: ['127.0.0.1/32'] },
        ...(version === 'http/2' ? { server: { tls } } : {}),
      },
      'endpoints/long.json': endpoint('/long', [send('begun'), { function: 'Sleep', duration: 3_600_000 }], {
        settings,
      }),
    })
    let list: () => Promise<string>
    if (version === 'http/2') {
      const leaving = await openSession(server)
      const stream = leaving.request({ ':path': `/long?format=${format}`, ...headers })
      stream.on('error', () => undefined)
      await issuing.asked
      leaving.destroy()
      const session = await openSession(server)
      list = async () =>
        new Promise((resolve) => {
          let text = ''
          const stream = session.request({ ':path': '/v1/runs', ...headers })
          stream.setEncoding('utf8').on('data', (data: string) => (text += data))
          stream.on('close', () => resolve(text))
        })
    } else {
      const { hostname, port } = new URL(server.url)
      const socket = connectTcp(Number(port), hostname)
      socket.write(`GET /long?format=${format} HTTP/1.1\r\nHost: x\r\nAuthorization: ${headers.authorization}\r\n\r\n`)
      await issuing.asked
      socket.destroy()
      list = async () => (await server.call('/v1/runs', { headers })).text
    }
    await wait(50)
    issuing.answer()
    // Whether it was never begun or ended at once: it does not go on.
    const outcomes = async (): Promise<unknown[]> =>
      (JSON.parse(await list()) as { runs: { outcome: string | null }[] }).runs.map(({ outcome }) => outcome)
    await wait(100)
    await expect.poll(outcomes).toSatisfy((all: unknown[]) => all.every((outcome) => outcome === 'cancelled'))
  })
})

describe('headers that HTTP/2 forbids', () => {
  const FORBIDDEN = [
    ['Connection', 'close'],
    ['Transfer-Encoding', 'chunked'],
    ['Keep-Alive', 'timeout=5'],
    ['Upgrade', 'websocket'],
    ['Proxy-Connection', 'close'],
    ['HTTP2-Settings', 'x'],
    ['TE', 'gzip'],
    ['Trailer', 'X-After'],
    ['Content-Length', '3'],
    [':status', '204'],
    ['X-Ünlaut', 'x'],
  ] as const

  test('set by a step or an endpoint cost neither the answer nor the connection', async () => {
    const declared = FORBIDDEN.filter(([name]) => /^[\w-]+$/.test(name))
    const headers = Object.fromEntries([...declared, ['X-Own', 'kept']])
    await using server = await testServer({
      'streamstack.yaml': { server: { tls } },
      'endpoints/declared.json': endpoint('/declared', [send('whole'), send('answer')], { settings: { headers } }),
      'endpoints/step.json': endpoint(
        '/step',
        [{ function: 'Set Response Header', name: '{{name}}', value: '{{value}}' }, send('whole'), send('answer')],
        { inputs: { name: { type: 'text', required: true }, value: { type: 'text', required: true } } },
      ),
    })
    const session = await openSession(server)
    const answer = await callHttp2(session, '/declared?format=text')
    expect([answer.headers[':status'], answer.text, answer.code]).toEqual([200, 'wholeanswer', 0])
    expect(answer.headers['x-own']).toBe('kept')
    for (const [name] of declared) expect(answer.headers[name.toLowerCase()]).toBeUndefined()
    for (const [name, value] of FORBIDDEN) {
      for (const format of ['text', 'json']) {
        const query = new URLSearchParams({ name, value, format })
        const refused = await callHttp2(session, `/step?${query.toString()}`)
        expect([name, refused.headers[':status'], refused.code]).toEqual([name, 400, 0])
        expect(JSON.parse(refused.text)).toMatchObject({ code: 'input_unusable' })
      }
    }
    const fine = await callHttp2(session, '/step?name=X-Own&value=kept&format=text')
    expect([fine.headers['x-own'], fine.text]).toEqual(['kept', 'wholeanswer'])
    expect(session.destroyed).toBe(false)
    session.close()
  })
})

describe('addresses that are none', () => {
  test('are refused with a problem, wherever they would lead, and the next request is answered', async () => {
    await using server = await testServer({
      'streamstack.yaml': { streams: { access: 'open', log: 'memory' } },
      'endpoints/find.json': endpoint('/find/:id', [send('found {{id}}')], { inputs: { id: { type: 'text' } } }),
    })
    const broken = ['%ff', '%', '%zz', '%c3%28', '%ed%a0%80', '%00']
    const roots = [
      '/',
      '/find/',
      '/find/%',
      '/nowhere/',
      '/v1/',
      '/v1/runs/',
      '/v1/stream/',
      '/v1/stream/runs/',
      '/v1/stream/a/',
    ]
    for (const root of roots) {
      for (const part of broken) {
        for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
          const answer: Answer = await server.call(`${root}${part}`, { method })
          const told = [method, root, part, answer.status]
          // A NUL is a character that a path parameter may hold, if the endpoint takes it.
          if (root === '/find/' && part === '%00' && method === 'GET') continue
          expect(told).toEqual([method, root, part, expect.toBeOneOf([400, 404, 405])])
          expect(answer.headers['content-type']).toContain('application/problem+json')
          expect(problem(answer)['status']).toBe(answer.status)
        }
      }
    }
    expect((await server.call('/%ff')).status).toBe(400)
    for (const query of ['?%ff', '?offset=%ff', '?=', '?&&&', '?a=%']) {
      expect((await server.call(`/find/x${query}`)).status).toBe(200)
    }
    expect((await server.call('/find/x?format=text')).text).toBe('found x')
  })
})

describe('a workspace with links that lead back into it', () => {
  test('is served, and its edits are live', async () => {
    await using workspace = await tempWorkspace({
      'streamstack.yaml': { log: { level: 'silent' } },
      'endpoints/a.json': endpoint('/a', [send('before')]),
      'functions/deep/er/f.json': { function_stack: [send('f')] },
    })
    // With two of them in one folder every level down has twice as many folders as the one above.
    for (const name of ['left', 'right']) await symlink('.', join(workspace.dir, 'endpoints', name))
    await symlink('..', join(workspace.dir, 'functions/up'))
    await symlink('../..', join(workspace.dir, 'functions/deep/er/top'))
    await symlink('self', join(workspace.dir, 'endpoints/self'))
    const server = await serve({ dir: workspace.dir, port: 0, watch: true })
    try {
      expect((await call(server.url, '/a?format=text')).text).toBe('before')
      await workspace.write('endpoints/a.json', endpoint('/a', [send('after')]))
      await expect.poll(async () => (await call(server.url, '/a?format=text')).text).toBe('after')
      await symlink('.', join(workspace.dir, 'endpoints/later'))
      await workspace.write('endpoints/new/b.json', endpoint('/b', [send('new')]))
      await expect.poll(async () => (await call(server.url, '/b?format=text')).text).toBe('new')
    } finally {
      await server.close()
    }
  })
})

describe('a data folder whose streams were cut short', () => {
  test('is not served as if it had held less, and the refusal names no path', async () => {
    await using workspace = await tempWorkspace({})
    const files = { 'streamstack.yaml': { streams: { access: 'open', log: 'sqlite' } } }
    {
      await using server = await testServer(files, { data: workspace.dir })
      await server.call('/v1/stream/a', { method: 'PUT', headers: { 'content-type': 'text/plain' } })
      for (let count = 0; count < 20; count++) {
        await server.call('/v1/stream/a', {
          method: 'POST',
          headers: { 'content-type': 'text/plain' },
          body: 'x'.repeat(20_000),
        })
      }
    }
    const file = join(workspace.dir, 'streams.sqlite')
    const database = new DatabaseSync(file)
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    database.close()
    const { size } = await stat(file)
    await truncate(file, size / 2 - ((size / 2) % 4_096))
    const refusal: unknown = await testServer(files, { data: workspace.dir }).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'storage_failed' })
    expect(String(refusal)).not.toContain(workspace.dir)
  })
})
