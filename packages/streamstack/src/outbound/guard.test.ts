import { afterEach, describe, expect, test } from 'vitest'
import type { StreamstackError } from '@streamstack/protocol'
import { startUpstream } from './fixtures/test-upstream.ts'
import { AllowList } from './allow-list.ts'
import { guardedConnector } from './guard.ts'
import type { TestHandler, TestUpstream } from './fixtures/test-upstream.ts'
import { allowEntryProblem, createOutbound } from './index.ts'
import type { Lookup, Outbound, OutboundSettings } from './index.ts'

const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

async function upstream(handler: TestHandler): Promise<TestUpstream> {
  const started = await startUpstream(handler)
  opened.push(started)
  return started
}

function outbound(settings: Partial<OutboundSettings> = {}): Outbound {
  const made = createOutbound({ allow: [], firstByteTimeoutMs: 5000, ...settings })
  opened.push(made)
  return made
}

/** A resolver from a table; a host that is not in it does not exist. */
function lookupFrom(table: Record<string, string[]>): Lookup {
  return async (hostname) => {
    const addresses = table[hostname]
    if (addresses === undefined) throw Object.assign(new Error(`no such host ${hostname}`), { code: 'ENOTFOUND' })
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
}

async function failureOf(promise: Promise<unknown>): Promise<StreamstackError> {
  return promise.then(
    () => Promise.reject(new Error('expected a failure')),
    (error: StreamstackError) => error,
  )
}

const hello: TestHandler = (_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end('{"hello":"world"}')
}

const signal = new AbortController().signal

const FORBIDDEN_URLS = [
  // loopback in every spelling that a URL may take
  'http://127.0.0.1/',
  'http://127.0.0.1:8080/admin',
  'https://127.0.0.1/',
  'http://127.1/',
  'http://127.0.1/',
  'http://127.255.255.254/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0x7f.0.0.1/',
  'http://0x7F.1/',
  'http://0177.0.0.1/',
  'http://017700000001/',
  'http://127.0.0.1./',
  'http://%31%32%37.0.0.1/',
  'http://１２７.０.０.１/',
  'http://①②⑦.⓪.⓪.①/',
  'http://[::1]/',
  'http://[0:0:0:0:0:0:0:1]/',
  // unspecified
  'http://0/',
  'http://0.0.0.0/',
  'http://0.1.2.3/',
  'http://[::]/',
  // private, shared, link-local, metadata
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://172.31.255.255/',
  'http://192.168.1.1/',
  'http://100.64.0.1/',
  'http://100.100.100.200/latest/meta-data/',
  'http://169.254.169.254/latest/meta-data/',
  'http://0xa9fea9fe/latest/meta-data/',
  'http://2852039166/',
  'http://168.63.129.16/metadata',
  'http://192.0.0.192/opc/v2/',
  'http://[fe80::1]/',
  'http://[fd00:ec2::254]/latest/meta-data/',
  'http://[fc00::1]/',
  'http://[fec0::1]/',
  // multicast, broadcast, reserved, documentation
  'http://224.0.0.1/',
  'http://239.255.255.250/',
  'http://255.255.255.255/',
  'http://240.0.0.1/',
  'http://198.18.0.1/',
  'http://192.0.2.1/',
  'http://198.51.100.7/',
  'http://203.0.113.9/',
  'http://[ff02::1]/',
  'http://[2001:db8::1]/',
  'http://[100::1]/',
  'http://[3fff::1]/',
  // IPv6 that carries IPv4: mapped, compatible, translated, NAT64, 6to4, Teredo
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::ffff:8.8.8.8]/',
  'http://[::127.0.0.1]/',
  'http://[::ffff:0:10.0.0.1]/',
  'http://[64:ff9b::10.0.0.1]/',
  'http://[64:ff9b:1::a00:1]/',
  'http://[2002:7f00:1::1]/',
  'http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/',
  // user names, other schemes, ports of other protocols
  'http://user@example.com/',
  'http://user:hunter2@example.com/',
  'http://example.com@127.0.0.1/',
  'https://:secret@example.com/',
  'file:///etc/passwd',
  'ftp://example.com/',
  'gopher://example.com:70/_x',
  'data:text/plain,hello',
  'javascript:alert(1)',
  'http://example.com:22/',
  'http://example.com:25/',
  'https://example.com:6667/',
]

describe('addresses that are refused', () => {
  test.each(FORBIDDEN_URLS)('%s', async (url) => {
    const door = outbound({
      lookup: () => Promise.reject(new Error('a refused address must not even be looked up')),
    })
    for (const call of [() => door.request({ url, signal }), () => door.stream({ url, signal }, 'auto')]) {
      const failure = await failureOf(call())
      expect(failure.code).toBe('upstream_refused')
      expect(failure.message).not.toContain('hunter2')
      expect(failure.message).not.toContain('secret')
      expect(failure.message).not.toContain('meta-data')
    }
  })

  const FORBIDDEN_ANSWERS = [
    ['127.0.0.1'],
    ['10.1.2.3'],
    ['169.254.169.254'],
    ['::1'],
    ['::'],
    ['fe80::1'],
    ['fd12::1'],
    ['::ffff:192.168.0.1'],
    ['::ffff:8.8.8.8'],
    ['64:ff9b::7f00:1'],
    ['2002:a00:1::'],
    ['not an address'],
    // One bad address among good ones refuses the name as a whole, in any order.
    ['93.184.216.34', '127.0.0.1'],
    ['127.0.0.1', '93.184.216.34'],
    ['2606:2800:220:1::1', '::1'],
  ]

  test.each(FORBIDDEN_ANSWERS.map((addresses) => ({ addresses })))(
    'a host name that leads to $addresses',
    async ({ addresses }) => {
      const door = outbound({ lookup: lookupFrom({ 'inside.example': addresses }) })
      const failure = await failureOf(door.request({ url: 'http://inside.example/secret?key=abc', signal }))
      expect(failure.code).toBe('upstream_refused')
      expect(failure.message).toContain('inside.example:80')
      expect(failure.message).toContain('outbound.allow')
      for (const address of addresses) expect(failure.message).not.toContain(address)
      expect(failure.message).not.toContain('abc')
    },
  )

  test.each(['localhost', 'localhost.', 'LOCALHOST'])('%s, found by the system', async (host) => {
    const { port } = await upstream(hello)
    const failure = await failureOf(outbound().request({ url: `http://${host}:${port}/`, signal }))
    expect(failure.code).toBe('upstream_refused')
  })

  test('an IPv6 refusal names an entry that opens it', async () => {
    const failure = await failureOf(outbound().request({ url: 'http://[::1]:9000/', signal }))
    expect(failure.message).toContain('"[::1]:9000"')
    expect(allowEntryProblem('[::1]:9000')).toBeUndefined()
  })
})

/** Whether a list with this one entry lets a URL through, to a server on 127.0.0.1. */
async function opens(url: (port: number) => string, allow: (port: number) => string): Promise<boolean> {
  const { port } = await upstream(hello)
  const lookup = lookupFrom({ 'inside.example': ['127.0.0.1'], localhost: ['127.0.0.1'] })
  const door = outbound({ allow: [allow(port)], lookup })
  const outcome = await door.request({ url: url(port), signal }).catch((error: StreamstackError) => error.code)
  if (typeof outcome === 'string') expect(outcome).toBe('upstream_refused')
  else expect(outcome.body).toEqual({ hello: 'world' })
  return typeof outcome !== 'string'
}

const literal = (port: number): string => `http://127.0.0.1:${port}/`
const named = (port: number): string => `http://inside.example:${port}/`
const decimal = (port: number): string => `http://2130706433:${port}/`

describe('the allow list', () => {
  test.each([
    { url: literal, allow: (port: number) => `127.0.0.1:${port}` },
    { url: literal, allow: () => '127.0.0.1' },
    { url: literal, allow: () => '127.0.0.0/8' },
    { url: literal, allow: (port: number) => `127.0.0.0/8:${port}` },
    { url: decimal, allow: (port: number) => `127.0.0.1:${port}` },
    { url: named, allow: (port: number) => `inside.example:${port}` },
    { url: named, allow: () => 'inside.example' },
    { url: named, allow: () => 'Inside.Example.' },
    { url: named, allow: (port: number) => `127.0.0.1:${port}` },
  ])('opens what is listed ($url, $allow)', async ({ url, allow }) => {
    expect(await opens(url, allow)).toBe(true)
  })

  test.each([
    { url: literal, allow: (port: number) => `127.0.0.1:${port + 1}` },
    { url: literal, allow: (port: number) => `127.0.0.2:${port}` },
    { url: literal, allow: (port: number) => `127.0.0.0/8:${port - 1}` },
    { url: literal, allow: () => '10.0.0.0/8' },
    { url: literal, allow: () => '::/0' },
    { url: literal, allow: () => 'localhost' },
    { url: literal, allow: () => 'inside.example' },
    { url: named, allow: (port: number) => `inside.example:${port + 1}` },
    { url: named, allow: () => 'example' },
    { url: named, allow: () => 'deep.inside.example' },
    { url: named, allow: () => 'nside.example' },
  ])('opens nothing beside it ($url, $allow)', async ({ url, allow }) => {
    expect(await opens(url, allow)).toBe(false)
  })

  test('opens a port that is blocked by default only when an entry names that port', async () => {
    const lookup = lookupFrom({})
    const url = 'http://inside.example:6000/'
    const general = outbound({ allow: ['inside.example'], lookup })
    expect((await failureOf(general.request({ url, signal }))).code).toBe('upstream_refused')
    const exact = outbound({ allow: ['inside.example:6000'], lookup })
    expect((await failureOf(exact.request({ url, signal }))).code).toBe('upstream_failed')
  })

  test.each([
    '127.0.0.1:9000',
    '10.0.0.0/8',
    '10.0.0.0/8:443',
    'internal.example',
    'internal.example:443',
    'localhost:9000',
    '[::1]:80',
    '::1',
    'fd00::/8',
    '[fd00::/8]:443',
    'my_service:80',
  ])('takes %s', (entry) => {
    expect(allowEntryProblem(entry)).toBeUndefined()
    expect(() => createOutbound({ allow: [entry], firstByteTimeoutMs: 1 })).not.toThrow()
  })

  test.each([
    '',
    '*',
    '*.example',
    'http://example.com',
    'example.com/path',
    'user@example.com',
    'example.com:0',
    'example.com:99999',
    'example.com:http',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    'example.com/8',
    'fd00::/129',
    '[example.com]:80',
    '127.1',
    '0x7f000001',
    '2130706433',
    '::1:::80',
    'a b',
  ])('refuses "%s", naming it and the cure', (entry) => {
    expect(allowEntryProblem(entry)).toContain(`"${entry}"`)
    expect(allowEntryProblem(entry)).toContain('10.0.0.0/8')
    expect(() => createOutbound({ allow: [entry], firstByteTimeoutMs: 1 })).toThrow('outbound.allow')
  })
})

describe('name servers that lie', () => {
  test('a second, private answer is refused when a new connection needs it', async () => {
    const { port } = await upstream((_request, response) => {
      response.setHeader('connection', 'close')
      response.end('inside')
    })
    const asked: string[] = []
    const answers = [['127.0.0.1'], ['10.0.0.1']]
    const lookup: Lookup = async (hostname) => {
      asked.push(hostname)
      return (answers[asked.length - 1] ?? []).map((address) => ({ address, family: 4 }))
    }
    // 127.0.0.1 stands for the public address here: it is what this name may lead to.
    const door = outbound({ allow: ['127.0.0.1'], lookup })
    const url = `http://rebind.example:${port}/`
    expect((await door.request({ url, signal })).body).toBe('inside')
    expect((await failureOf(door.request({ url, signal }))).code).toBe('upstream_refused')
  })

  test('the address that was checked is the address that is used: the name is asked once a connection', async () => {
    const { port } = await upstream(hello)
    let asked = 0
    const lookup: Lookup = async () => {
      asked++
      return [{ address: asked === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }]
    }
    const door = outbound({ allow: ['127.0.0.1'], lookup })
    expect((await door.request({ url: `http://rebind.example:${port}/`, signal })).status).toBe(200)
    expect(asked).toBe(1)
  })

  test('a name without any address is not found', async () => {
    const door = outbound({ lookup: async () => [] })
    const failure = await failureOf(door.request({ url: 'http://empty.example/', signal }))
    expect(failure.code).toBe('upstream_failed')
    expect(failure.message).toContain('not found')
  })
})

describe('redirects', () => {
  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://127.0.0.1:1/',
    'http://[::1]/',
    'http://2852039166/',
    'http://inside.example/',
    'file:///etc/passwd',
    'http://user:pass@example.com/',
    '//10.0.0.1/',
  ])('to %s are refused', async (location) => {
    const { origin, host } = await upstream((_request, response) => {
      response.writeHead(302, { location })
      response.end()
    })
    const door = outbound({ allow: [host], lookup: lookupFrom({ 'inside.example': ['10.0.0.1'] }) })
    expect((await failureOf(door.request({ url: origin, signal }))).code).toBe('upstream_refused')
    expect((await failureOf(door.stream({ url: origin, signal }, 'auto'))).code).toBe('upstream_refused')
  })

  test('are followed five times and no more', async () => {
    const { origin, host } = await upstream((request, response) => {
      const left = Number(request.url?.slice(1))
      if (left === 0) response.end('arrived')
      else response.writeHead(302, { location: `/${left - 1}` }).end()
    })
    const door = outbound({ allow: [host] })
    const arrived = await door.request({ url: `${origin}/5`, signal })
    expect(arrived.body).toBe('arrived')
    expect(arrived.url).toBe(`${origin}/0`)
    const failure = await failureOf(door.request({ url: `${origin}/6`, signal, redirects: 100 }))
    expect(failure.code).toBe('upstream_failed')
    expect(failure.message).toContain('more than 5 times')
    expect((await failureOf(door.request({ url: `${origin}/3`, signal, redirects: 2 }))).code).toBe('upstream_failed')
  })

  test('with a limit of 0 are answers', async () => {
    const { origin, host } = await upstream((_request, response) => {
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end('moved')
    })
    const door = outbound({ allow: [host] })
    const answer = await door.request({ url: origin, signal, redirects: 0, acceptAnyStatus: true })
    expect(answer.status).toBe(302)
    expect(answer.body).toBe('moved')
  })

  test.each([
    { status: 301, method: 'POST', followedBy: 'GET', body: '' },
    { status: 302, method: 'POST', followedBy: 'GET', body: '' },
    { status: 302, method: 'PUT', followedBy: 'PUT', body: '{"a":1}' },
    { status: 303, method: 'PUT', followedBy: 'GET', body: '' },
    { status: 307, method: 'POST', followedBy: 'POST', body: '{"a":1}' },
    { status: 308, method: 'PATCH', followedBy: 'PATCH', body: '{"a":1}' },
  ])('$status after $method sends $followedBy', async ({ status, method, followedBy, body }) => {
    const { origin, host } = await upstream((request, response) => {
      if (request.url === '/') {
        response.writeHead(status, { location: '/next' }).end()
        return
      }
      let received = ''
      request.on('data', (data: Buffer) => (received += data.toString()))
      request.on('end', () => {
        response.setHeader('content-type', 'application/json')
        const type = request.headers['content-type'] ?? null
        response.end(JSON.stringify({ method: request.method, body: received, type }))
      })
    })
    const door = outbound({ allow: [host] })
    const answer = await door.request({ url: origin, method, body: { a: 1 }, signal })
    expect(answer.body).toEqual({ method: followedBy, body, type: body === '' ? null : 'application/json' })
  })

  test('to another origin carry no credentials, to the same origin they do', async () => {
    const seen: Record<string, unknown>[] = []
    const note: TestHandler = (request, response) => {
      seen.push(request.headers)
      response.end('noted')
    }
    const other = await upstream(note)
    const first = await upstream((request, response) => {
      if (request.url === '/same') response.writeHead(302, { location: '/noted' }).end()
      else if (request.url === '/other') response.writeHead(302, { location: other.origin }).end()
      else note(request, response)
    })
    const door = outbound({ allow: [first.host, other.host] })
    const headers = {
      Authorization: 'Bearer secret',
      Cookie: 'session=secret',
      'Proxy-Authorization': 'secret',
      'X-Api-Key': 'secret',
      'X-Goog-Api-Key': 'secret',
      Accept: 'text/plain',
    }
    await door.request({ url: `${first.origin}/same`, headers, signal })
    await door.request({ url: `${first.origin}/other`, headers, signal })
    expect(seen[0]).toMatchObject({ authorization: 'Bearer secret', cookie: 'session=secret', 'x-api-key': 'secret' })
    expect(JSON.stringify(seen[1])).not.toContain('secret')
    expect(seen[1]).toMatchObject({ accept: 'text/plain', host: other.host })
  })
})

test('proxy variables of the environment change nothing', async () => {
  let proxied = 0
  const proxy = await upstream((_request, response) => {
    proxied++
    response.end('proxied')
  })
  const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY']
  const before = names.map((name) => process.env[name])
  for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : proxy.origin
  try {
    const direct = await upstream(hello)
    const answer = await outbound({ allow: [direct.host] }).request({ url: direct.origin, signal })
    expect(answer.body).toEqual({ hello: 'world' })
    expect(proxied).toBe(0)
  } finally {
    for (const [index, name] of names.entries()) {
      const value = before[index]
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
})

test.each(['169.254.169.254', '[::1]', '10.0.0.1', '2130706433'])(
  'a connection to the literal address %s is refused where it is opened, too',
  async (host) => {
    const connect = guardedConnector({
      origin: new URL(`http://${host}:9`),
      allowList: new AllowList([]),
      lookup: lookupFrom({}),
      connectTimeoutMs: 1_000,
    })
    const { hostname } = new URL(`http://${host}:9`)
    const refused = await new Promise<unknown>((resolve) =>
      connect({ hostname, host: hostname, protocol: 'http:', port: '9' }, (...result) => resolve(result[0])),
    )
    expect(refused).toMatchObject({ code: 'upstream_refused' })
  },
)
