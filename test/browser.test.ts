import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, type BrowserContext, type Page, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleClient } from '../scripts/client-size.ts'
import { type FaultProxy, faultProxy } from '@streamstack/test-support/fault-proxy'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const executablePath = [process.env['CHROMIUM'] ?? '', '/usr/bin/chromium'].find((path) => existsSync(path))
if (executablePath === undefined) {
  console.warn(
    'The browser tests are skipped: there is no Chromium. Name one in CHROMIUM, or apt-get install chromium.',
  )
}

const FLAGS =
  '--no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

const LONG = 'x'.repeat(300)

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** What every page has: the client as `Streamstack`, and `client` of the server that the address names. */
const PREPARE = `window.client = Streamstack.createClient({ url: new URLSearchParams(location.search).get('server'), retry: { delayMs: 10 } })`

describe.skipIf(executablePath === undefined)('in a real browser, on a page from elsewhere', () => {
  let browser: Browser
  let server: TestServer
  let proxy: FaultProxy
  let pages: PageServer

  beforeAll(async () => {
    pages = await servePages()
    server = await testServer({
      'streamstack.yaml': { server: { cors: { origins: [pages.url] } }, channels: { presence_grace: '0s' } },
      'channels/rooms.json': {
        channel: 'rooms/{room}',
        publish: true,
        subscribe: true,
        presence: true,
        history: { count: 100 },
      },
      'endpoints/begins.json': endpoint('/begins', [send('first'), { function: 'Sleep', duration: 60_000 }], {
        method: 'POST',
      }),
      'endpoints/counts.json': endpoint(
        '/counts',
        [
          {
            function: 'For',
            count: 40,
            inner_functions: [send('{{loop_index + 1}}'), { function: 'Sleep', duration: 10 }],
          },
        ],
        { settings: { on_disconnect: 'continue' } },
      ),
      'endpoints/many.json': endpoint('/many', [
        { function: 'For', count: 10_000, inner_functions: [send(`chunk {{loop_index}} ${LONG}`)] },
      ]),
    })
    proxy = await faultProxy(server.url)
    browser = await chromium.launch({ executablePath: executablePath ?? '', headless: true, args: FLAGS.split(' ') })
  })

  afterAll(async () => {
    await browser?.close()
    await proxy?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
    await pages?.[Symbol.asyncDispose]()
  })

  /** Opens a page that has the client, in a browser of its own; what goes wrong in it unseen fails the test. */
  async function open({
    script = 'plain',
    url = proxy.url,
    context,
  }: { script?: 'plain' | 'module'; url?: string; context?: BrowserContext } = {}): Promise<OpenPage> {
    const own = context ?? (await browser.newContext())
    const page = await own.newPage()
    const faults: Error[] = []
    page.on('pageerror', (error) => faults.push(error))
    await page.goto(`${pages.url}/${script}?server=${encodeURIComponent(url)}`)
    return {
      page,
      context: own,
      run: (code) => page.evaluate(`(async () => { ${code} })()`),
      async [Symbol.asyncDispose]() {
        await own.close()
        expect(faults).toEqual([])
      },
    }
  }

  const outcomeOf = async (run: string): Promise<unknown> => {
    return (JSON.parse((await server.call(`/v1/runs/${run}`)).text) as { outcome: unknown }).outcome
  }

  test.each(['plain', 'module'] as const)(
    'a call types what has come so far, and cancel reaches the server (%s)',
    async (script) => {
      await using opened = await open({ script })
      const run = await opened.run<string>(`
      window.stream = client.call('POST /begins', { text: 'é' })
      await new Promise((resolve) => stream.on('chunk', ({ content }) => resolve(answer.append(content))))
      return stream.run`)
      expect(await opened.page.textContent('#answer')).toBe('first')
      expect(await outcomeOf(run)).toBeNull()
      expect(await opened.run(`await stream.cancel(); return (await stream.result()).outcome`)).toBe('cancelled')
      expect(await outcomeOf(run)).toBe('cancelled')
    },
  )

  test.each([
    ['its address and offset', `client.read(place.url, { after: place.offset })`, numbers(1, 40)],
    ['the key of its call', `client.call('GET /counts', {}, { idempotencyKey: 'of the page' })`, numbers(1, 40)],
  ])('a reload comes back to its run with %s', async (_with, again, expected) => {
    await using opened = await open()
    const keep = `
      const read = (stream, stopAt) => new Promise((resolve) => {
        const place = JSON.parse(sessionStorage.getItem('place') ?? '{"seen":[]}')
        stream.on('chunk', ({ offset, content }) => {
          sessionStorage.setItem('place', JSON.stringify({ url: stream.url, offset, seen: [...place.seen, content] }))
          place.seen.push(content)
          if (offset === stopAt) resolve()
        })
        stream.on('end', ({ outcome }) => resolve([outcome, place.seen]))
      });`
    await opened.run(`${keep} await read(client.call('GET /counts', {}, { idempotencyKey: 'of the page' }), 5)`)
    await opened.page.reload()
    const found = await opened.run<[string, number[]]>(`${keep}
      const place = JSON.parse(sessionStorage.getItem('place'))
      if (${again.startsWith('client.call')}) sessionStorage.removeItem('place')
      return read(${again}, -1)`)
    expect(found).toEqual(['completed', expected])
  })

  test('a page that goes offline and back misses nothing', async () => {
    await using opened = await open()
    await opened.run(`
      window.seen = []
      window.statuses = []
      window.stream = client.call('GET /counts', {}, { idempotencyKey: crypto.getRandomValues(new Uint32Array(4)).join() })
      stream.on('status', ({ status }) => statuses.push(status))
      await new Promise((resolve) => stream.on('chunk', ({ content }) => { seen.push(content); if (content === 5) resolve() }))`)
    await opened.context.setOffline(true)
    proxy.arm({ direction: 'response', afterBytes: 0, kind: 'reset' })
    await expect.poll(() => opened.run<string>(`return stream.status`)).toBe('reconnecting')
    await opened.context.setOffline(false)
    expect(await opened.run(`await new Promise((resolve) => stream.on('end', resolve)); return seen`)).toEqual(
      numbers(1, 40),
    )
    expect(await opened.run(`return statuses`)).toEqual(['open', 'reconnecting', 'open', 'ended'])
  })

  test('an EventSource of the page’s own resumes after the last id', async () => {
    await using opened = await open()
    proxy.arm({ direction: 'response', afterBytes: 1_500, kind: 'cut' })
    const seen = await opened.run<number[]>(`
      const seen = []
      const server = new URLSearchParams(location.search).get('server')
      const source = new EventSource(server + '/counts?idempotency_key=of+the+source')
      source.onmessage = ({ lastEventId, data }) => seen.push(Number(lastEventId), JSON.parse(data))
      await new Promise((resolve) => source.addEventListener('end', resolve))
      source.close()
      return seen`)
    expect(proxy.hasStruck).toBe(true)
    expect(seen).toEqual(numbers(1, 40).flatMap((n) => [n, n]))
  })

  test('ten thousand chunks leave the page its turns', async () => {
    await using opened = await open({ url: server.url })
    const { count, last, turns } = await opened.run<{ count: number; last: unknown; turns: number }>(`
      let turn = 0
      const timer = setInterval(() => turn++, 0)
      const seen = new Set()
      let count = 0, last
      for await (const { content } of client.call('GET /many')) { 
        count++; last = content; seen.add(turn)
        // What showing it takes.
        for (const startedMs = performance.now(); performance.now() - startedMs < 0.1; );
      }
      clearInterval(timer)
      return { count, last, turns: seen.size }`)
    expect([count, last]).toEqual([10_000, `chunk 9999 ${LONG}`])
    expect(turns).toBeGreaterThan(20)
  })

  test('two pages talk in a channel, see each other, and miss nothing while one is cut off', async () => {
    await using ann = await open()
    await using bob = await open({ url: server.url })
    await ann.run(`
      window.seen = []
      window.there = []
      window.room = client.channel('rooms/7')
      window.stream = room.subscribe({ presence: true, data: 'Ann' })
      stream.on('chunk', ({ content }) => seen.push(content))
      room.presence().on('chunk', ({ content }) => there.push(content))`)
    await expect.poll(() => ann.run(`return there.length`)).toBeGreaterThan(0)
    await bob.run(`
      window.room = client.channel('rooms/7')
      window.stream = room.subscribe({ presence: true, data: 'Bob' })
      stream.on('chunk', () => {})`)
    await expect.poll(() => ann.run(`return there.at(-1).member?.data`)).toBe('Bob')
    const say = (text: string): Promise<unknown> => bob.run(`return room.publish({ text: '${text}' })`)
    await say('one')
    await expect.poll(() => ann.run(`return seen.length`)).toBe(1)
    proxy.refuse(true)
    proxy.arm({ direction: 'response', afterBytes: 0, kind: 'reset' })
    await say('two')
    await say('three')
    proxy.refuse(false)
    await ann.run(`await room.publish({ text: 'four' })`)
    await expect.poll(() => ann.run(`return seen.map(({ text }) => text)`)).toEqual(['one', 'two', 'three', 'four'])
    await bob.page.close()
    const left = (): Promise<unknown> =>
      ann.run(`return there.filter(({ event }) => event === 'leave').map(({ member }) => member.data)`)
    await expect.poll(left).toContain('Bob')
  })
})

interface OpenPage extends AsyncDisposable {
  readonly page: Page
  readonly context: BrowserContext
  /** Runs code in the page; what it returns comes back. */
  run<T>(code: string): Promise<T>
}

interface PageServer extends AsyncDisposable {
  readonly url: string
}

/** A server of pages, of another origin than the server that they call. */
async function servePages(): Promise<PageServer> {
  const module = `import * as client from '/client.mjs'\nwindow.Streamstack = client\n${PREPARE}`
  const files: Readonly<Record<string, readonly [type: string, text: string]>> = {
    '/plain': [
      'text/html',
      `<!doctype html><output id="answer"></output><script src="/client.js"></script><script>${PREPARE}</script>`,
    ],
    '/module': ['text/html', `<!doctype html><output id="answer"></output><script type="module">${module}</script>`],
    '/client.js': ['text/javascript', await bundleClient()],
    '/client.mjs': ['text/javascript', await bundleClient('es')],
  }
  const server = createServer((request, response) => {
    const [type, text] = files[request.url?.split('?')[0] ?? ''] ?? ['text/plain', '']
    response.setHeader('Content-Type', `${type}; charset=utf-8`)
    response.end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
