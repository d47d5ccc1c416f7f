import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runInNewContext } from 'node:vm'
import { SignJWT } from 'jose'
import { chromium } from 'playwright-core'
import { rolldown } from 'rolldown'
import { describe, expect, test } from 'vitest'
import { docBlocks } from '@streamstack/test-support/doc-blocks'
import { chromiumPath } from '@streamstack/test-support/elements-stage'
import { faultProxy } from '@streamstack/test-support/fault-proxy'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const repository = join(import.meta.dirname, '..')
const SECRET = 'a secret of at least 32 characters, for tests'

const mission = (name: string): string => readFileSync(new URL(`fixtures/mission/${name}.txt`, import.meta.url), 'utf8')

const DONE_LINE = '{"content":"[DONE]","metadata":null}'

/** A program of docs/clients.md, by the name of its file. */
function documented(file: string): string {
  const page = readFileSync(join(repository, 'docs/clients.md'), 'utf8')
  const block = docBlocks(page).find((one) => one.file === file)
  if (block === undefined) throw new Error(`docs/clients.md has no ${file}`)
  return block.text
}

const token = (): Promise<string> =>
  new SignJWT({ sub: 'ada' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(SECRET))

/** The endpoint of the examples, for callers with a token. */
function streamEndpoint(): string {
  const text = readFileSync(join(repository, 'examples/endpoints/stream-endpoint.yaml'), 'utf8')
  return text.replace('  method: POST\n', '  method: POST\n  authentication: true\n')
}

describe("the mission's Node.js test client", () => {
  /** As it stands, but for host and port. */
  async function run(server: TestServer, jwt: string): Promise<{ stdout: string; stderr: string }> {
    const { hostname, port } = new URL(server.url)
    const program = mission('node-test-client').replace(
      "hostname: 'your-instance.xano.io',",
      `hostname: '${hostname}', port: ${port},`,
    )
    const file = join(server.dir, 'client.cjs')
    writeFileSync(file, program)
    const certificate = fileURLToPath(new URL('fixtures/tls/cert.pem', import.meta.url))
    return promisify(execFile)(process.execPath, [file], {
      env: { ...process.env, JWT_TOKEN: jwt, NODE_EXTRA_CA_CERTS: certificate, NODE_OPTIONS: '' },
    })
  }

  const serve = (): Promise<TestServer> =>
    testServer({
      'streamstack.yaml': {
        server: { tls: { cert: 'cert.pem', key: 'key.pem' } },
        auth: { jwt: { secret: SECRET } },
      },
      'cert.pem': readFileSync(new URL('fixtures/tls/cert.pem', import.meta.url)),
      'key.pem': readFileSync(new URL('fixtures/tls/key.pem', import.meta.url)),
      'endpoints/stream-endpoint.yaml': streamEndpoint(),
    })

  test('counts several chunks as they come and sees the end', async () => {
    await using server = await serve()
    const { stdout, stderr } = await run(server, await token())
    expect(stderr).toBe('')
    expect(stdout).toContain('Status: 200')
    expect(stdout).toContain('=== Stream Completed ===')
    expect(Number(/Total chunks received: (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(0)
    // It asks for metadata: each line is JSON.
    const lines = ['{"content":"You sent 18 characters: Test streaming API. ","metadata":null}', DONE_LINE]
    expect(stdout).toContain(`Total data length: ${lines.join('\n').length + 1}\n`)
    expect(stdout).toContain('Chunk 1: {"content":"You sent 18 characters: Test streaming')
  })

  test('is refused without a token', async () => {
    await using server = await serve()
    const { stdout } = await run(server, 'nonsense')
    expect(stdout).toContain('Status: 401')
    expect(stdout).not.toContain('Status: 200')
  })
})

/** Reads a body by the rules of WeWeb's REST API plugin: line by line, trimmed, `data:` as JSON where it is, up to `[DONE]`. */
function asRestPlugin(body: string): unknown[] {
  const entries: unknown[] = []
  for (const line of body.split('\n').map((one) => one.trim())) {
    if (line === '' || /^(?:id|event|retry)?:/.test(line)) continue
    const data = line.startsWith('data:') ? line.slice('data:'.length).trim() : line
    if (data === '[DONE]') break
    try {
      entries.push(JSON.parse(data))
    } catch {
      entries.push(data)
    }
  }
  return entries
}

describe('the routes of docs/integrations/weweb.md', () => {
  const page = docBlocks(readFileSync(join(repository, 'docs/integrations/weweb.md'), 'utf8'))
  const files = Object.fromEntries(
    page.flatMap(({ file, text }) => (file !== null && /^(?:endpoints|streamstack)/.test(file) ? [[file, text]] : [])),
  )

  test('custom JavaScript writes the growing text into the variable, and fails where the stream does', async () => {
    const code = page.find(({ file }) => file === 'custom-javascript.mjs')?.text ?? ''
    await using server = await testServer({
      ...files,
      'endpoints/fails.json': endpoint('/api/fails', [send('half'), { function: 'Throw Error', message: 'no' }], {
        method: 'POST',
      }),
    })
    const run = async (path: string): Promise<string[]> => {
      const written: string[] = []
      const wwLib = { wwVariable: { updateValue: (_id: string, text: string) => written.push(text) } }
      const own = code.replace('http://127.0.0.1:8080/api/stream-chat', server.url + path)
      const globals = { fetch, wwLib, TextDecoderStream }
      await (runInNewContext(`(async () => {${own}})()`, globals) as Promise<void>).catch((error: unknown) =>
        written.push(String(error)),
      )
      return written
    }
    expect((await run('/api/stream-chat')).at(-1)).toBe('You said: Hi')
    expect(await run('/api/fails')).toEqual(['half', 'Error: The stream ended as failed.'])
    expect((await run('/api/none')).at(-1)).toBe('Error: There is no such endpoint. GET / lists the endpoints.')
  })

  test('the REST API plugin gets texts with their spaces, and objects, up to [DONE]', async () => {
    await using server = await testServer({
      ...files,
      'endpoints/more.json': endpoint('/api/more', [send({ a: [1] }), send('two\nlines '), send('[DONE]')], {
        method: 'POST',
      }),
    })
    const headers = { accept: 'text/event-stream' }
    const chat = await server.call('/api/stream-chat', { body: { message: 'Hi' }, headers })
    expect(asRestPlugin(chat.text)).toEqual(['You said: ', 'Hi'])
    const more = await server.call('/api/more', { body: {}, headers })
    expect(asRestPlugin(more.text)).toEqual([{ a: [1] }, 'two\nlines '])
  })
})

describe("the mission's StreamingClient for WeWeb", () => {
  interface WeWebClient {
    startStream(message: string, url: string): Promise<void>
  }

  /** As it stands, in a page that has the functions which it calls. `log` gets the chunks, then `end`. */
  function client(jwt: string): { client: WeWebClient; log: string[] } {
    const block = runInNewContext(`(${mission('weweb-streaming-client')})`) as {
      weweb_streaming_client: { implementation: string }
    }
    const { implementation } = block.weweb_streaming_client
    const made = runInNewContext(`${implementation}\nStreamingClient`, { fetch, TextDecoder }) as WeWebClient
    const log: string[] = []
    const nothing = (): undefined => undefined
    Object.assign(made, {
      getJWTToken: () => jwt,
      appendToMessage: (chunk: string) => log.push(chunk),
      updateProgress: nothing,
      scrollToBottom: nothing,
      enableInput: () => log.push('end'),
      saveConversation: nothing,
      showCompletionMessage: nothing,
    })
    return { client: made, log }
  }

  const stack = [send('ä 😀'), send({ a: [1] }), send('two\nlines'), send('  '), send('[DONE]')]
  const serve = (): Promise<TestServer> =>
    testServer({
      'streamstack.yaml': { auth: { jwt: { secret: SECRET } } },
      'endpoints/plain.json': endpoint('/api/plain', stack, { method: 'POST' }),
      'endpoints/typed.json': endpoint('/api/typed', stack, {
        method: 'POST',
        settings: { headers: { 'Content-Type': 'text/plain; charset=utf-8' } },
      }),
      'endpoints/secret.json': endpoint('/api/secret', [send('for {{auth.sub}}')], {
        method: 'POST',
        settings: { authentication: true },
      }),
      'endpoints/breaks.json': endpoint('/api/breaks', [send('first'), send('{{ [1].missing.deep }}')], {
        method: 'POST',
      }),
    })

  test.each(['/api/plain', '/api/typed'])('reads every chunk of %s; a text of two lines is two', async (path) => {
    await using server = await serve()
    const { client: streaming, log } = client('')
    await streaming.startStream('Hi', server.url + path)
    expect(log).toEqual(['ä 😀', '{"a":[1]}', 'two', 'lines', '[DONE]', 'end'])
  })

  test('reads NDJSON, where a text of two lines stays one', async () => {
    await using server = await serve()
    const { client: streaming, log } = client('')
    await streaming.startStream('Hi', `${server.url}/api/plain?format=ndjson`)
    const parts = log.slice(0, -1).map((line) => JSON.parse(line) as { content?: unknown; outcome?: string })
    expect(parts.map(({ content, outcome }) => outcome ?? content)).toEqual([
      'ä 😀',
      { a: [1] },
      'two\nlines',
      '  ',
      '[DONE]',
      'completed',
    ])
  })

  test('sends its token, and rejects where the call is refused', async () => {
    await using server = await serve()
    const known = client(await token())
    await known.client.startStream('Hi', `${server.url}/api/secret`)
    expect(known.log).toEqual(['for ada', 'end'])
    const unknown = client('nonsense')
    await expect(unknown.client.startStream('Hi', `${server.url}/api/secret`)).rejects.toThrow(
      'Streaming request failed',
    )
    expect(unknown.log).toEqual([])
  })

  test('never takes a failed stream for a whole one', async () => {
    await using server = await serve()
    const { client: streaming, log } = client('')
    await expect(streaming.startStream('Hi', `${server.url}/api/breaks`)).rejects.toThrow()
    expect(log[0]).toBe('first')
    expect(log).not.toContain('end')
  })
})

describe("the mission's reconnecting class, with the methods of docs/clients.md", () => {
  interface Recovering {
    chunks: unknown[]
    onComplete: () => void
    startStream(data: object): Promise<void>
  }

  const LINES = Array.from({ length: 100 }, (_, index) => `line ${index + 1}`)
  const serve = (): Promise<TestServer> =>
    testServer({
      'endpoints/lines.json': endpoint(
        '/api/lines',
        [{ function: 'For Each', input: LINES, inner_functions: [send('{{item}}')] }],
        { method: 'POST' },
      ),
    })

  /** Makes a client whose n-th streaming attempt breaks after `breaks[n]` bytes of the answer, and runs it to its end. */
  async function recover(breaks: readonly (number | null)[]) {
    await using server = await serve()
    await using proxy = await faultProxy(server.url)
    const delays: number[] = []
    const runs = new Set<string | null>()
    const formats: (string | null)[] = []
    const observed = async (url: string, options: RequestInit): Promise<Response> => {
      const format = new URL(url).searchParams.get('format')
      const afterBytes = format === 'ndjson' ? (breaks[formats.length] ?? null) : null
      formats.push(format)
      proxy.arm(afterBytes === null ? null : { direction: 'response', afterBytes, kind: 'reset' })
      const response = await fetch(url, options)
      runs.add(response.headers.get('stream-run'))
      return response
    }
    const block = runInNewContext(`(${mission('connection-recovery')})`) as {
      error_handling_patterns: { connection_recovery: { client_side: { reconnection_logic: string } } }
    }
    const { reconnection_logic: logic } = block.error_handling_patterns.connection_recovery.client_side
    const Base: unknown = runInNewContext(`${logic}\nStreamingClient`, {
      console: { log: () => undefined, error: () => undefined },
      setTimeout: (callback: () => void, delayMs: number) => {
        delays.push(delayMs)
        setImmediate(callback)
      },
    })
    const withRecovery = runInNewContext(`${documented('recovery.mjs').replace('export ', '')}\nwithRecovery`, {
      fetch: observed,
      crypto,
      TextDecoder,
    }) as (base: unknown) => new (url: string) => Recovering
    const client = new (withRecovery(Base))(`${proxy.url}/api/lines`)
    const { promise, resolve } = Promise.withResolvers<void>()
    client.onComplete = resolve
    await client.startStream({})
    await promise
    return { chunks: [...client.chunks], delays, runs: runs.size, formats }
  }

  test('goes on after the last chunk when the connection breaks', async () => {
    const { chunks, delays, runs } = await recover([2_500])
    expect(chunks).toEqual(LINES)
    expect(delays).toEqual([1_000])
    expect(runs).toBe(1)
  })

  test('fetches the result of the same run as one document after five attempts', async () => {
    const { chunks, delays, runs, formats } = await recover([2_500, 0, 0, 0, 0, 0])
    expect(chunks).toEqual(LINES)
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000])
    expect(formats).toEqual([...Array.from({ length: 6 }, () => 'ndjson'), 'json'])
    expect(runs).toBe(1)
  })
})

test(
  'the block of Postman tests is a test file of the examples, and passes',
  { timeout: 180_000, retry: 2 },
  async () => {
    const args = ['--conditions=streamstack-source', join(repository, 'test/support/streamstack.ts'), 'test']
    const run = (): Promise<string> =>
      promisify(execFile)(process.execPath, [...args, join(repository, 'examples')], {
        env: { ...process.env, NO_COLOR: '1' },
      }).then(({ stdout }) => stdout)
    // Its sentences are about time: a machine that is busy with other tests may miss one.
    const output = await run().catch(run)
    expect(output).toMatch(/\b[1-9]\d* tests passed, 0 failed/)
    for (const scenario of ['Basic Streaming Test', 'Large Content Test', 'Error Handling Test'])
      expect(output).toContain(scenario)
  },
)

if (chromiumPath === undefined) {
  console.warn('@microsoft/fetch-event-source is not tested: there is no Chromium. Name one in CHROMIUM.')
}

describe.skipIf(chromiumPath === undefined)('@microsoft/fetch-event-source in a browser', () => {
  /** The documented program as one script. */
  async function bundled(): Promise<string> {
    const parent = join(repository, 'node_modules/.cache')
    mkdirSync(parent, { recursive: true })
    const folder = mkdtempSync(join(parent, 'clients-'))
    try {
      const input = join(folder, 'page.mjs')
      writeFileSync(input, documented('fetch-event-source.mjs'))
      const bundle = await rolldown({ input })
      const { output } = await bundle.generate({ format: 'iife', name: 'program' })
      return output[0].code
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  test('the documented program gets every chunk once, although the connection breaks', async () => {
    const script = await bundled()
    const pages = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html; charset=utf-8')
      response.end(`<!doctype html><title>page</title><script>${script}</script>`)
    })
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
    const name = 'Ada '.repeat(20)
    const numbers = Array.from({ length: 100 }, (_, index) => index + 1)
    await using server = await testServer({
      'streamstack.yaml': { server: { cors: { origins: [origin] } } },
      'endpoints/hello.json': endpoint(
        '/api/hello',
        [{ function: 'For Each', input: numbers, inner_functions: [send('{{message}} {{item}}')] }],
        { method: 'POST', inputs: { message: { type: 'text', required: true } } },
      ),
    })
    await using proxy = await faultProxy(server.url)
    const browser = await chromium.launch({
      executablePath: chromiumPath ?? '',
      headless: true,
      args: ['--no-sandbox', '--disable-quic'],
    })
    try {
      const page = await browser.newPage()
      const runs: (string | undefined)[] = []
      page.on('response', (response) => {
        if (response.request().method() === 'POST') runs.push(response.headers()['stream-run'])
      })
      await page.goto(origin)
      const read = (message: string | null): Promise<unknown> =>
        page.evaluate(
          `(async () => { const got = []; const outcome = await program.hello('${proxy.url}', ${JSON.stringify(message)}, (chunk) => got.push(chunk)).catch((error) => error.message.slice(0, 3)); return { got, outcome } })()`,
        )
      // Within the id, the data and the end of an event of about a hundred bytes.
      for (const afterBytes of [4_000, 4_005, 4_040, 4_095]) {
        runs.length = 0
        proxy.arm({ direction: 'response', afterBytes, kind: 'reset' })
        expect(await read(name)).toEqual({ got: numbers.map((number) => `${name} ${number}`), outcome: 'completed' })
        expect(proxy.hasStruck).toBe(true)
        expect([runs.length, new Set(runs).size]).toEqual([2, 1])
      }
      expect(await read(null)).toEqual({ got: [], outcome: '400' })
    } finally {
      await browser.close()
      pages.close()
    }
  })
})
