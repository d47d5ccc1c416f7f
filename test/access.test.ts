import { SignJWT } from 'jose'
import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { type Answer, contents, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a-secret-for-tests-that-is-long-enough'

function token(
  claims: Record<string, unknown>,
  { secret = SECRET, expires = '5m' }: { secret?: string; expires?: string } = {},
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret))
}

const bearer = async (...args: Parameters<typeof token>): Promise<{ Authorization: string }> => ({
  Authorization: `Bearer ${await token(...args)}`,
})

/** Each call of `/private` leaves a record behind, so that one can tell whether anything ran. */
const guarded = async (): Promise<TestServer> =>
  testServer(
    {
      'streamstack.yaml': {
        auth: { jwt: { secret: '{{env.SECRET}}' } },
        env: ['SECRET'],
        server: { cors: { origins: ['https://app.example'] } },
      },
      '.env': `SECRET=${SECRET}\n`,
      'endpoints/private.json': endpoint(
        '/private',
        [
          { function: 'Add Record', table: 'calls', record: { who: '{{auth.sub}}' } },
          send({ sub: '{{auth.sub}}' }),
          { function: 'Sleep', duration: 50 },
          send('second'),
        ],
        { method: 'POST', settings: { authentication: true } },
      ),
      'endpoints/admin.json': endpoint('/admin', [send('ok')], {
        settings: { authentication: { type: 'jwt', roles: ['admin'] } },
      }),
      'endpoints/calls.json': endpoint('/calls', [{ function: 'Count Records', table: 'calls' }, send('{{count}}')]),
    },
    {
      tables: {
        calls: {
          declaration: { columns: { id: { type: 'integer', primary: true }, who: { type: 'text' } } },
          records: [],
        },
      },
    },
  )

const calls = async (server: TestServer): Promise<string> => (await server.call('/calls?format=text')).text

describe('an endpoint with authentication', () => {
  test.each<[string, () => Promise<Record<string, string>> | Record<string, string>]>([
    ['no token', () => ({})],
    ['no bearer', () => ({ Authorization: 'Basic YTpi' })],
    ['no JWT', () => ({ Authorization: 'Bearer none' })],
    ['a token of another issuer', () => bearer({ sub: 'eve' }, { secret: 'another-secret-that-is-long-enough-too' })],
    ['an expired token', () => bearer({ sub: 'ada' }, { expires: '-1m' })],
    [
      'an unsigned token',
      () => ({
        Authorization: `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"eve"}').toString('base64url')}.`,
      }),
    ],
  ])('answers 401 to %s, and nothing runs', async (_, headers) => {
    await using server = await guarded()
    const answer = await server.call('/private', { headers: await headers(), body: {} })
    expect(answer.status).toBe(401)
    expect(problem(answer)['code']).toBe('unauthenticated')
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
    expect(answer.headers['stream-run']).toBeUndefined()
    expect(answer.text).not.toContain(SECRET)
    expect(await calls(server)).toBe('0')
  })

  test('runs for a valid token, with its claims', async () => {
    await using server = await guarded()
    const answer = await server.call('/private?format=ndjson', { headers: await bearer({ sub: 'ada' }), body: {} })
    expect(contents(answer.text)).toEqual([{ sub: 'ada' }, 'second'])
    expect(await calls(server)).toBe('1')
  })

  test('answers 403 to a token without the role', async () => {
    await using server = await guarded()
    const answer = await server.call('/admin', { headers: await bearer({ sub: 'ada', role: 'user' }) })
    expect(answer.status).toBe(403)
    expect(problem(answer)['code']).toBe('forbidden')
    const admin = await server.call('/admin?format=text', { headers: await bearer({ sub: 'ada', role: 'admin' }) })
    expect(admin.text).toBe('ok')
  })

  test("another caller's run looks as if there were none", async () => {
    await using server = await guarded()
    const ada = await bearer({ sub: 'ada' })
    const open = await server.open('/private?format=ndjson', { headers: ada, body: {} })
    await open.until('"offset":1')
    const url = open.headers['stream-url'] as string
    const cancel = `/v1/runs/${open.headers['stream-run'] as string}/cancel`
    const eve = await bearer({ sub: 'eve' })
    const strange = await server.call(url, { headers: eve })
    const none = await server.call('/v1/stream/runs/00000000-0000-4000-8000-000000000000', { headers: eve })
    expect(strange.status).toBe(404)
    expect(strange.text).toBe(none.text)
    expect((await server.call(cancel, { method: 'POST', headers: eve })).status).toBe(404)
    expect((await server.call(url)).status).toBeGreaterThanOrEqual(401)
    expect((await server.call(cancel, { method: 'POST' })).status).toBeGreaterThanOrEqual(401)
    // It was not ended, and its owner reads it again.
    expect(contents((await open.ended).text)).toEqual([{ sub: 'ada' }, 'second'])
    const again = await server.call(`${url}?format=ndjson`, { headers: ada })
    expect(contents(again.text)).toEqual([{ sub: 'ada' }, 'second'])
  })

  test('without a way to check tokens is shut', async () => {
    await using server = await testServer({
      'endpoints/private.json': endpoint('/private', [send('never')], { settings: { authentication: true } }),
    })
    const answer = await server.call('/private', { headers: await bearer({ sub: 'ada' }) })
    expect(answer.status).toBe(503)
    expect(answer.text).toContain('auth.jwt')
    expect(answer.text).not.toContain('never')
  })
})

describe('pages of other origins', () => {
  const origin = { Origin: 'https://app.example' }

  test('ask beforehand, and may', async () => {
    await using server = await guarded()
    const answer = await server.call('/private', {
      method: 'OPTIONS',
      headers: {
        ...origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization, content-type',
      },
    })
    expect(answer.status).toBe(204)
    expect(answer.headers['access-control-allow-origin']).toBe('https://app.example')
    expect(answer.headers['access-control-allow-methods']).toContain('POST')
    expect(answer.headers['access-control-allow-headers']?.toLowerCase()).toContain('authorization')
    expect(await calls(server)).toBe('0')
  })

  test('can read streams, their addresses, and every error', async () => {
    await using server = await guarded()
    const ok = await server.call('/calls', { headers: origin })
    const answers: Answer[] = [
      ok,
      await server.call(ok.headers['stream-url'] as string, { headers: origin }),
      await server.call('/private', { headers: origin, body: {} }),
      await server.call('/nowhere', { headers: origin }),
      await server.call('/calls', { headers: origin, body: {} }),
      await server.call('/calls?format=xml', { headers: origin }),
      await server.call('/v1/stream/runs/none', { headers: origin }),
      await server.call('/', { headers: origin }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 404, 405, 406, 404, 200])
    for (const { headers } of answers) {
      expect(headers['access-control-allow-origin']).toBe('https://app.example')
      expect(headers['access-control-expose-headers']).toContain('Stream-Url')
    }
  })

  test('that are not listed get no leave', async () => {
    await using server = await guarded()
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await server.call('/calls', {
        method,
        headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'GET' },
      })
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
      expect(answer.headers['vary']).toContain('Origin')
    }
  })
})

describe('bodies', () => {
  const echo = async (): Promise<TestServer> =>
    testServer({
      'streamstack.yaml': { server: { body_limit: '64kb' } },
      'endpoints/echo.json': endpoint('/echo', [send('{{message}}')], {
        method: 'POST',
        inputs: {
          message: { type: 'text', required: true, maxLength: 10 },
          count: { type: 'integer', min: 1 },
          kind: { type: 'text', values: ['a', 'b'] },
        },
      }),
    })

  test.each(['with a length', 'in chunks'])('of 100 MB are refused before they were read: %s', async (how) => {
    await using server = await echo()
    const outcome = await upload(server.url, 100 * 1024 * 1024, how === 'in chunks')
    expect(outcome.status).toBe(413)
    expect(outcome.text).toContain('body_too_large')
    expect(outcome.text).toContain('server.body_limit')
    expect(outcome.sent).toBeLessThan(50 * 1024 * 1024)
    const after = await server.call('/echo?format=text', { body: { message: 'still here' } })
    expect(after.text).toBe('still here')
  })

  test('with several faults get all of them in one answer', async () => {
    await using server = await echo()
    const answer = await server.call('/echo', { body: { message: 'far too long for this', count: 'x', kind: 'c' } })
    expect(answer.status).toBe(400)
    const { code, errors } = problem(answer) as { code: string; errors: { path: string; message: string }[] }
    expect(code).toBe('input_invalid')
    expect(errors.map(({ path }) => path).toSorted()).toEqual(['count', 'kind', 'message'])
  })

  test('that are the text [object Object] get the cure', async () => {
    await using server = await echo()
    const answer = await server.call('/echo', { body: '[object Object]' })
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('raw JSON string')
  })

  test.each([
    ['{"message":', 400],
    ['nonsense', 400],
    ['[1]', 400],
    ['"text"', 400],
    ['', 400],
  ])('that are %j are refused', async (body, status) => {
    await using server = await echo()
    const answer = await server.call('/echo', { body })
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.text).not.toMatch(/SyntaxError|at JSON|\.ts/)
  })

  test('of another kind are refused', async () => {
    await using server = await echo()
    const answer = await server.call('/echo', { body: '<a/>', headers: { 'Content-Type': 'application/xml' } })
    expect(answer.status).toBe(415)
  })

  test('cannot reach into prototypes', async () => {
    await using server = await testServer({
      'endpoints/any.json': endpoint('/any', [send('{{data}}')], {
        method: 'POST',
        inputs: { data: { type: 'object', required: true } },
      }),
    })
    const answer = await server.call('/any?format=text', { body: '{"data":{"__proto__":{"polluted":true},"ok":1}}' })
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect([200, 400]).toContain(answer.status)
    if (answer.status === 200) expect(JSON.parse(answer.text)).not.toHaveProperty('polluted', true)
  })
})

describe('names that objects have anyway', () => {
  test.each(['toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf'])(
    '%s as an input that was not sent is null',
    async (name) => {
      await using server = await testServer({
        'endpoints/e.json': endpoint('/e', [send([`{{${name}}}`, `{{input.${name}}}`, '{{input.missing}}'])], {
          method: 'POST',
          inputs: { [name]: { type: 'any' } },
        }),
      })
      const answer = await server.call('/e?format=ndjson', { body: {} })
      expect(answer.status).toBe(200)
      expect(contents(answer.text)).toEqual([[null, null, null]])
      const given = await server.call('/e?format=ndjson', { body: { [name]: 'mine' } })
      expect(contents(given.text)).toEqual([['mine', 'mine', null]])
    },
  )

  test.each(['constructor', '__proto__', 'toString'])(
    '%s as a media type, a format or a parameter is nothing special',
    async (name) => {
      await using server = await testServer({ 'endpoints/e.json': endpoint('/e', [send('x')]) })
      expect((await server.call('/e', { headers: { Accept: name } })).status).toBe(200)
      expect((await server.call(`/e?format=${name}`)).status).toBe(406)
      expect((await server.call(`/v1/stream/runs/${name}`)).status).toBe(404)
      expect((await server.call(`/${name}`)).status).toBe(404)
      const odd = await server.call('/e', { method: 'POST', body: 'x', headers: { 'Content-Type': name } })
      expect(odd.status).toBe(405)
    },
  )
})

describe('odd requests', () => {
  test.each(['/%zz', '/a%00b', '//', '/?format=%', '/%E0%A4%A', `/${'a'.repeat(5_000)}`])(
    '%s are answered',
    async (path) => {
      await using server = await testServer({ 'endpoints/e.json': endpoint('/e/:id', [send('{{id}}')]) })
      const answer = await server.call(path)
      expect([200, 400, 404, 414]).toContain(answer.status)
      expect(answer.text).not.toMatch(/\/tmp|node_modules|at Object/)
    },
  )

  test('path parameters are decoded once', async () => {
    await using server = await testServer({ 'endpoints/e.json': endpoint('/e/:id', [send('{{id}}')]) })
    expect((await server.call('/e/a%2Fb%2520?format=text')).text).toBe('a/b%20')
    expect((await server.call('/e/%7B%7B1+1%7D%7D?format=text')).text).toBe('{{1+1}}')
    expect([400, 404]).toContain((await server.call('/e/%zz')).status)
  })

  test('another method is told which ones there are', async () => {
    await using server = await testServer({ 'endpoints/e.json': endpoint('/e', [send('x')]) })
    const answer = await server.call('/e', { method: 'DELETE' })
    expect(answer.status).toBe(405)
    expect(answer.headers['allow']).toContain('GET')
  })
})

interface Upload {
  status: number
  text: string
  /** Bytes that were handed to the system. */
  sent: number
}

/** Sends a large body until the server answers. */
function upload(url: string, bytes: number, inChunks: boolean): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL('/echo', url), {
      method: 'POST',
      agent: false,
      headers: { 'Content-Type': 'application/json', ...(inChunks ? {} : { 'Content-Length': bytes }) },
    })
    let isAnswered = false
    let sent = 0
    const piece = Buffer.alloc(64 * 1024, 0x20)
    const pump = (): void => {
      while (!isAnswered && sent < bytes) {
        sent += piece.length
        if (!outgoing.write(piece)) {
          outgoing.once('drain', pump)
          return
        }
      }
    }
    outgoing.on('response', (response) => {
      isAnswered = true
      let text = ''
      response.on('data', (data: Buffer) => {
        text += data.toString()
      })
      response.on('error', () => undefined)
      response.on('close', () => {
        resolve({ status: response.statusCode ?? 0, text, sent })
        outgoing.destroy()
      })
    })
    outgoing.on('error', (error) => {
      if (!isAnswered) reject(error)
    })
    pump()
  })
}
