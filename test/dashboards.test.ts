import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeToken } from '@streamstack/test-support/credentials'
import { violations } from '@streamstack/test-support/axe'
import { chromiumPath } from '@streamstack/test-support/elements-stage'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a secret of the tests, as long as a key has to be'
const BLOCK = join(import.meta.dirname, 'fixtures/mission/real-time-dashboard.json')
const JSON_ONLY = { Accept: 'application/json' }

const tokenOf = (scope: string): Promise<string> =>
  makeToken({ secret: SECRET, sub: 'ops', expiresSeconds: 600, claims: { scope } })

describe('dashboards of a workspace', () => {
  let server: TestServer
  let browser: Browser | null = null

  beforeAll(async () => {
    server = await testServer(
      {
        'streamstack.yaml': { auth: { jwt: { secret: SECRET } }, log: { level: 'silent' } },
        'endpoints/hello.json': endpoint('/api/hello', [send('Hello')]),
        'dashboards/live.json': await readFile(BLOCK, 'utf8'),
        'dashboards/open.yaml':
          'access: public\ntitle: For everybody\ncomponents: [{ component: Data Table, source: GET /api/hello }]\n',
      },
      { watch: true },
    )
    if (chromiumPath !== undefined)
      browser = await chromium.launch({
        executablePath: chromiumPath,
        headless: true,
        args: ['--no-sandbox', '--disable-quic'],
      })
  })

  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
  })

  test('are described as JSON to callers that may read what the server counts, and to every caller where they are public', async () => {
    const call = async (
      name: string,
      scope: string | null,
    ): Promise<[status: number, body: Record<string, unknown>]> => {
      const headers = scope === null ? JSON_ONLY : { ...JSON_ONLY, Authorization: `Bearer ${await tokenOf(scope)}` }
      const { status, text } = await server.call(`/dashboards/${name}`, { headers })
      return [status, JSON.parse(text) as Record<string, unknown>]
    }
    const [status, body] = await call('live', 'system:read')
    expect([status, (body['widgets'] as { type: string }[]).map(({ type }) => type)]).toEqual([
      200,
      ['metric', 'metric', 'metric', 'metric', 'line', 'bar', 'gauge', 'feed'],
    ])
    expect((await call('live', null))[0]).toBe(401)
    expect((await call('live', 'runs:read'))[0]).toBe(403)
    expect((await call('open', null))[1]['title']).toBe('For everybody')
    // The list of dashboards is not public.
    expect((await call('none', null))[0]).toBe(401)
    expect(await call('liev', 'system:read')).toMatchObject([
      404,
      { detail: expect.stringContaining('Did you mean `live`?') as unknown },
    ])
  })

  test('keep their description while their file has a fault, and change with it', async () => {
    const title = async (): Promise<unknown> =>
      (JSON.parse((await server.call('/dashboards/changing', { headers: JSON_ONLY })).text) as { title?: unknown })
        .title
    const file = (name: string, component = 'Activity Feed'): string =>
      `access: public\ntitle: ${name}\ncomponents: [{ component: ${component} }]\n`
    await server.write('dashboards/changing.yaml', file('One'))
    await expect.poll(title).toBe('One')
    await server.write('dashboards/changing.yaml', file('Broken', 'Activty Feeed!'))
    await server.write('dashboards/other.yaml', file('Other'))
    await expect.poll(async () => (await server.call('/dashboards/other', { headers: JSON_ONLY })).status).toBe(200)
    expect(await title()).toBe('One')
  })

  test('the elements are served to pages of all origins, compressed, and not again where they are known', async () => {
    const answer = await fetch(`${server.url}/elements.js`, { headers: { Origin: 'https://shop.example' } })
    expect([
      answer.status,
      answer.headers.get('access-control-allow-origin'),
      answer.headers.get('content-encoding'),
    ]).toEqual([200, '*', 'gzip'])
    expect(answer.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    expect(answer.headers.get('content-type')).toContain('text/javascript')
    expect(await answer.text()).toContain('StreamstackElements')
    const etag = String(answer.headers.get('etag'))
    expect((await fetch(`${server.url}/elements.js`, { headers: { 'If-None-Match': etag } })).status).toBe(304)
    const plain = await server.call('/elements/charts.js', { headers: { 'Accept-Encoding': 'identity' } })
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(plain.text).toContain('u-over')
    for (const path of [
      '/elements/../package.json',
      '/elements/%2e%2e%2fpackage.json',
      '/elements/elements.js',
      '/elements/nothing.js',
    ])
      expect((await server.call(path)).status, path).toBe(404)
  })

  test.skipIf(chromiumPath === undefined)(
    'the block of the guide is a page that asks for a token and then shows what happens',
    async () => {
      const context = await browser?.newContext({ viewport: { width: 1280, height: 900 } })
      const page = await context?.newPage()
      if (page === undefined) throw new Error('There is no browser.')
      const faults: string[] = []
      page.on('pageerror', ({ message }) => faults.push(message))
      page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
      await page.goto(`${server.url}/dashboards/live`)
      await page.getByLabel('Token').fill('wrong')
      await page.getByRole('button', { name: 'Show' }).click()
      await page.getByRole('alert').filter({ hasText: /./ }).waitFor()
      await page.getByLabel('Token').fill(await tokenOf('system:read'))
      await page.getByRole('button', { name: 'Show' }).click()
      await page.getByText('Active users').waitFor()
      await server.call('/api/hello')
      await server.call('/api/hello')
      const inside = (query: string, part: string): Promise<string> =>
        page.locator('stream-dashboard').locator(query).locator(part).first().innerText()
      await expect.poll(() => inside('metric-card >> nth=0', '.value')).toMatch(/^1\s/)
      await expect.poll(() => inside('metric-card >> nth=1', '.value')).toMatch(/^[2-9]\s/)
      await expect.poll(() => inside('activity-feed', 'li')).toContain('GET /api/hello')
      await expect.poll(() => inside('live-chart >> nth=1', '.bars li')).toContain('hello')
      await expect
        .poll(() => page.locator('stream-dashboard').locator('live-chart >> nth=0').locator('canvas').count())
        .toBe(1)
      await expect.poll(() => inside('.top', '.pill')).toBe('live')
      expect(await page.title()).toBe('Live')
      expect(await violations({ page })).toEqual([])
      // The two refusals that the test made.
      expect(faults.filter((fault) => !/status of 401/.test(fault))).toEqual([])
      await context?.close()
    },
  )
})
