import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type Page, chromium } from 'playwright-core'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type StreamstackServer, serve } from 'streamstack'
import { chromiumPath } from '@streamstack/test-support/elements-stage'

const examples = join(import.meta.dirname, '../examples')

describe.skipIf(chromiumPath === undefined)('the pages of the examples, from another origin', () => {
  const data = mkdtempSync(join(tmpdir(), 'streamstack-pages-'))
  const files = new Map<string, readonly [type: string, text: string]>()
  let server: StreamstackServer
  let pages: Server
  let browser: Browser
  let address = ''

  beforeAll(async () => {
    server = await serve({ dir: examples, port: 0, data })
    pages = createServer((request, response) => {
      const [type, text] = files.get((request.url ?? '/').split('?', 1)[0] ?? '/') ?? ['text/plain', '']
      response.setHeader('Content-Type', `${type}; charset=utf-8`)
      response.end(text)
    })
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
    browser = await chromium.launch({
      executablePath: chromiumPath ?? '',
      headless: true,
      args: ['--no-sandbox', '--disable-quic'],
    })
  })

  afterAll(async () => {
    await browser?.close()
    pages?.close()
    await server?.close()
    rmSync(data, { recursive: true, force: true })
  })

  async function open(path: string): Promise<{ page: Page; faults: string[] }> {
    const page = await browser.newPage()
    const faults: string[] = []
    page.on('pageerror', ({ message }) => faults.push(message))
    await page.goto(address + path)
    return { page, faults }
  }

  test('pages/elements.html chats, shows a poem, and fills a table', async () => {
    const text = readFileSync(join(examples, 'pages/elements.html'), 'utf8')
    files.set('/elements.html', ['text/html', text])
    const { page, faults } = await open(`/elements.html?server=${server.url}`)
    await page.getByRole('button', { name: 'Hello', exact: true }).click()
    await expect.poll(() => page.locator('stream-chat').locator('.md').innerText()).toContain('You wrote: Hello')
    await expect
      .poll(() => page.locator('stream-text').locator('.raw').innerText())
      .toContain('The river does not wait')
    await expect.poll(() => page.locator('stream-table').locator('.head .tiny').innerText()).toMatch(/^[\d,]{6,} rows/)
    await page.evaluate(`document.querySelector('stream-table').stop()`)
    expect(faults).toEqual([])
    await page.close()
  })

  test('chartjs/dashboard.js draws the same dashboard with Chart.js and its streaming plugin', async () => {
    const bundle = await rolldown({
      input: join(examples, 'chartjs/dashboard.js'),
      resolve: { conditionNames: ['streamstack-source', 'browser', 'import', 'default'] },
      platform: 'browser',
    })
    const { output } = await bundle.generate({ format: 'iife', name: 'Example' })
    files.set('/dashboard.js', ['text/javascript', output[0].code])
    files.set('/chartjs.html', [
      'text/html',
      '<!doctype html><title>Chart.js</title><main></main><script src="/dashboard.js"></script>',
    ])
    const time = (): string => new Date().toISOString()
    const sample = (): object => ({
      time: time(),
      active_users: 3,
      requests: { last_minute: 41 },
      first_chunk_ms: { p50: 4, p95: 9 },
      error_rate: 0.01,
      endpoints: { poem: { requests: { last_minute: 30 } }, '<b>x</b>': { requests: { last_minute: 11 } } },
      active_streams: 2,
    })
    const streams = createServer((request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson', 'Access-Control-Allow-Origin': '*' })
      const isActivity = request.url?.includes('activity') === true
      let offset = 0
      const timer = setInterval(() => {
        const content = isActivity ? { outcome: 'completed', route: 'GET /<b>poem</b>', chunks: 12 } : sample()
        response.write(`${JSON.stringify({ offset: ++offset, type: 'chunk', content, metadata: null })}\n`)
      }, 50)
      response.on('close', () => clearInterval(timer))
    })
    await new Promise<void>((resolve) => streams.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(streams.address() as AddressInfo).port}`
    const { page, faults } = await open('/chartjs.html')
    await page.evaluate(
      `window.end = Example.showDashboard(document.querySelector('main'), { server: ${JSON.stringify(url)} })`,
    )
    await expect.poll(() => page.locator('p').first().innerText()).toBe('Active users: 3')
    await expect.poll(() => page.locator('li').first().innerText()).toBe('completed · GET /<b>poem</b> · 12 chunks')
    const drawn = `[...document.querySelectorAll('canvas')].map((canvas) =>
      canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte !== 0))`
    await expect.poll(() => page.evaluate(drawn)).toEqual([true, true, true])
    await page.evaluate('end()')
    expect(faults).toEqual([])
    await page.close()
    streams.closeAllConnections()
    streams.close()
  })
})
