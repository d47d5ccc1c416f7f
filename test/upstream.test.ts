import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { contents, ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

let upstream: Server
let host: string
/** Answers that are open now, and those that the other side closed before they ended. */
let open: Set<ServerResponse>
let hungUp: string[]
let answer: (request: IncomingMessage, response: ServerResponse) => void

beforeEach(async () => {
  open = new Set()
  hungUp = []
  upstream = createServer((request, response) => {
    open.add(response)
    response.on('close', () => {
      open.delete(response)
      if (!response.writableFinished) hungUp.push(request.url ?? '')
    })
    answer(request, response)
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(upstream.address() as AddressInfo).port}`
})

afterEach(() => {
  upstream.closeAllConnections()
  upstream.close()
})

/** Sends events without end. */
function tick(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  let n = 0
  const timer = setInterval(() => response.write(`data: {"n":${n++}}\n\n`), 2)
  response.on('close', () => clearInterval(timer))
}

async function allHungUp(): Promise<void> {
  while (open.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
}

async function serving(stack: readonly unknown[], settings: object = {}): Promise<TestServer> {
  return testServer({
    'streamstack.yaml': { outbound: { allow: [host] }, env: ['KEY'] },
    '.env': 'KEY=sk-very-secret\n',
    'endpoints/e.json': endpoint('/e', stack, { settings }),
  })
}

const streamed = (path = '/ticks', more: object = {}) => ({
  function: 'External API Request (Streaming)',
  url: `http://${host}${path}`,
  ...more,
})
const each = (...inner_functions: unknown[]) => ({ function: 'For Each', input: '{{response}}', inner_functions })

describe('leaving an upstream', () => {
  const silent = (): void => undefined
  const cancel = async (server: TestServer, answers: typeof answer, until: () => Promise<unknown>): Promise<void> => {
    answer = answers
    const call = await server.open('/e?format=ndjson')
    await call.until('"offset":1')
    await until()
    await server.call(`/v1/runs/${call.headers['stream-run'] as string}/cancel`, { method: 'POST' })
    expect(ndjsonLines((await call.ended).text).at(-1)).toMatchObject({ outcome: 'cancelled' })
    await allHungUp()
    expect(hungUp).not.toEqual([])
  }
  const connected = async (count = 1): Promise<void> => {
    while (open.size < count) await new Promise((resolve) => setTimeout(resolve, 2))
  }

  test('a cancel hangs up on a request that has no answer yet', async () => {
    await using server = await serving([
      send('x'),
      { function: 'External API Request', url: `http://${host}/slow` },
      send('never'),
    ])
    await cancel(server, silent, connected)
  })

  test('a cancel hangs up on a stream that has not begun', async () => {
    await using server = await serving([send('x'), streamed(), each(send('never'))])
    await cancel(server, silent, connected)
  })

  test('a cancel hangs up in the middle of For Each', async () => {
    await using server = await serving([send('x'), streamed(), each(send('{{item.n}}'))])
    await cancel(server, tick, connected)
  })

  test('a cancel hangs up on a stream that fell silent', async () => {
    await using server = await serving([send('x'), streamed(), each(send('{{item.n}}'))])
    const once = (_: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write('data: {"n":0}\n\n')
    }
    await cancel(server, once, connected)
  })

  test('a cancel hangs up in every branch of Parallel', async () => {
    await using server = await serving([
      send('x'),
      {
        function: 'Parallel',
        branches: ['a', 'b', 'c'].map((name) => [streamed(`/${name}`, { as: name, inner_functions: [send(name)] })]),
      },
    ])
    await cancel(server, tick, () => connected(3))
    expect(hungUp.toSorted()).toEqual(['/a', '/b', '/c'])
  })

  test('a branch that fails hangs up on the others', async () => {
    let fails = (): void => undefined
    answer = (request, response) => {
      if (request.url === '/b') fails = () => void response.end()
      else tick(request, response)
    }
    await using server = await serving([
      {
        function: 'Parallel',
        branches: [
          [streamed('/a', { inner_functions: [{ function: 'Log', message: 'x', level: 'debug' }] })],
          [
            { function: 'External API Request', url: `http://${host}/b` },
            { function: 'Throw Error', message: 'down' },
          ],
        ],
      },
    ])
    const call = server.call('/e')
    await connected(2)
    fails()
    expect(problem(await call)['code']).toBe('thrown')
    await allHungUp()
    expect(hungUp).toEqual(['/a'])
  })

  test('Break hangs up at once, not at the end of the run', async () => {
    answer = tick
    await using server = await serving([
      streamed('/ticks', { inner_functions: [send('{{item.n}}'), { function: 'Break' }] }),
      send('after'),
      { function: 'Sleep', duration: 3_600_000 },
    ])
    const call = await server.open('/e?format=ndjson')
    await call.until('after')
    await allHungUp()
    expect(call.text).not.toContain('"end"')
    call.leave()
  })

  test('an error inside the loop hangs up', async () => {
    answer = tick
    await using server = await serving([
      {
        function: 'Try/Catch Block',
        try_block: [streamed('/ticks', { inner_functions: [{ function: 'Throw Error', message: 'enough' }] })],
        catch_block: [send('{{error_message}}')],
      },
    ])
    expect((await server.call('/e?format=text')).text).toBe('enough')
    await allHungUp()
  })

  test('a stream that no loop reads is closed with the run', async () => {
    answer = tick
    await using server = await serving([streamed(), send('done')])
    expect((await server.call('/e?format=text')).text).toBe('done')
    await allHungUp()
  })

  test('the last reader that leaves cancels upstream, under on_disconnect: cancel', async () => {
    answer = tick
    await using server = await serving([streamed(), each(send('{{item.n}}'))], {
      on_disconnect: 'cancel',
      disconnect_grace: 10,
    })
    const call = await server.open('/e?format=ndjson')
    await call.until('"offset":3')
    call.leave()
    await allHungUp()
    expect(hungUp).toEqual(['/ticks'])
  })
})

describe('an upstream that breaks off', () => {
  test('is a failure, never an end', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write('data: {"n":0}\n\ndata: {"n":1}\n\n')
      setTimeout(() => response.socket?.destroy(), 20)
    }
    await using server = await serving([streamed(), each(send('{{item.n}}')), send('never')])
    const { text } = await server.call('/e?format=ndjson')
    expect(contents(text)).toEqual([0, 1])
    expect(ndjsonLines(text).at(-1)).toMatchObject({
      outcome: 'failed',
      error: { code: 'upstream_failed', recoverable: true },
    })
    expect(text).not.toContain('never')
    expect((await server.call('/e?format=lines')).ending).toBe('broken')
  })

  test('can be caught, and what was sent stays', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
      response.write('{"n":0}\n{"n":')
      setTimeout(() => response.socket?.destroy(), 20)
    }
    await using server = await serving([
      {
        function: 'Try/Catch Block',
        try_block: [streamed(), each(send('{{item.n}}'))],
        catch_block: [send({ code: '{{error.code}}', again: '{{is_recoverable}}' })],
      },
    ])
    const { text } = await server.call('/e?format=ndjson')
    expect(contents(text)).toEqual([0, { code: 'upstream_failed', again: true }])
    expect(ndjsonLines(text).at(-1)).toMatchObject({ outcome: 'completed' })
  })

  test('tells nothing of the key or the answer to the caller', async () => {
    answer = (request, response) => {
      response.writeHead(500, { 'Content-Type': 'text/plain' })
      response.end(`your key ${request.headers.authorization} is bad`)
    }
    await using server = await serving([
      {
        function: 'External API Request',
        url: `http://${host}/x?token={{env.KEY}}`,
        headers: { Authorization: 'Bearer {{env.KEY}}' },
      },
    ])
    const refused = await server.call('/e')
    expect(refused.status).toBe(502)
    expect(problem(refused)).toMatchObject({ code: 'upstream_status' })
    expect(refused.text).not.toContain('sk-very-secret')
  })

  test('a stream can be gone through once', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
      response.end('1\n2\n')
    }
    await using server = await serving([streamed(), each(send('{{item}}')), each(send('never'))])
    const { text } = await server.call('/e?format=ndjson')
    expect(contents(text)).toEqual([1, 2])
    expect(ndjsonLines(text).at(-1)?.error?.message).toContain('once')
  })
})

describe('addresses inside', () => {
  test.each([
    'http://127.0.0.1:1/',
    'http://localhost:1/',
    'http://[::1]:1/',
    'http://169.254.169.254/',
    'http://0x7f000001:1/',
  ])('%s is refused unless it is allowed', async (url) => {
    await using server = await testServer({
      'endpoints/e.json': endpoint('/e', [{ function: 'External API Request', url }]),
    })
    const refused = await server.call('/e')
    expect(refused.status).toBeGreaterThanOrEqual(400)
    expect(problem(refused)['code']).toBe('upstream_refused')
  })

  test('a caller cannot lead a request inside', async () => {
    let asked = 0
    answer = (_, response) => {
      asked++
      response.end('secret')
    }
    await using server = await testServer({
      'endpoints/e.json': endpoint('/e', [{ function: 'External API Request', url: '{{url}}' }, send('{{response}}')], {
        method: 'POST',
        inputs: { url: { type: 'text', required: true } },
      }),
    })
    const refused = await server.call('/e', { body: { url: `http://${host}/` } })
    expect([refused.status, problem(refused)['code']]).toEqual([400, 'input_unusable'])
    expect(asked).toBe(0)
  })
})
