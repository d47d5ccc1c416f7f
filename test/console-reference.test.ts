import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type Browser, type Page, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeToken } from '@streamstack/test-support/credentials'
import { chromiumPath } from '@streamstack/test-support/elements-stage'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a secret of at least 32 characters, for tests'
const PAYLOAD = `"><img src=x onerror="window.hacked=1">`

const FILES = {
  'streamstack.yaml': { auth: { jwt: { secret: SECRET } }, console: { access: 'admin' } },
  'endpoints/letters.json': endpoint('/letters/:box', [send('x')], {
    method: 'POST',
    settings: { description: `Adds a letter ${PAYLOAD}`, rate_limit: { calls: 5, per: '1m' } },
    inputs: {
      box: { type: 'integer', min: 1, description: PAYLOAD },
      text: { type: 'text', required: true, max_length: 50 },
      options: { type: 'object', properties: { size: { type: 'integer', min: 1, max: 9, default: 3 } } },
    },
  }),
  'endpoints/editors.json': endpoint('/editors', [send('x')], {
    settings: { authentication: { type: 'jwt', roles: ['editor'] } },
  }),
}

describe.skipIf(chromiumPath === undefined)('the reference of the console', () => {
  let server: TestServer
  let browser: Browser
  beforeAll(async () => {
    server = await testServer(FILES, { mode: 'dev' })
    browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox', '--disable-quic'] })
  })
  afterAll(async () => {
    await browser.close()
    await server[Symbol.asyncDispose]()
  })

  async function open(url: string, work: (page: Page, hosts: ReadonlySet<string>) => Promise<void>): Promise<void> {
    const page = await browser.newPage()
    const faults: string[] = []
    const hosts = new Set<string>()
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('request', (request) => hosts.add(new URL(request.url()).host))
    try {
      await page.goto(`${url}/console/#/reference`)
      await work(page, hosts)
      expect(faults).toEqual([])
      expect(await page.evaluate(() => 'hacked' in window)).toBe(false)
    } finally {
      await page.close()
    }
  }

  test('shows inputs with their bounds, answers, errors and access, from this server alone', () =>
    open(server.url, async (page, hosts) => {
      const letters = page.locator('reference-view details', { hasText: '/letters/{box}' })
      await letters.locator('summary').click()
      const rows = await letters.locator('tr').allInnerTexts()
      const row = (text: string): string => (rows.find((one) => one.includes(text)) ?? '').replaceAll(/\s+/g, ' ')
      expect(row('box')).toBe(`box required path integer ${PAYLOAD} at least 1`)
      expect(row('text')).toContain('text required body string at most 50 characters')
      expect(row('options.size')).toContain('options.size body integer 1 to 9 · default 3')
      expect(row('Idempotency-Key')).toContain('header string')
      expect(row('200')).toContain('application/x-ndjson')
      expect(row('429')).toContain('with Retry-After, RateLimit, RateLimit-Policy')
      expect(row('415')).toContain('media_type_unsupported')
      const editors = page.locator('reference-view details', { hasText: '/editors' })
      expect(await editors.locator('.pill').innerText()).toBe('token with editor')
      expect([...hosts]).toEqual([new URL(server.url).host])

      await page.getByLabel('Filter').fill('editors')
      await expect.poll(() => page.locator('reference-view details:visible').count()).toBe(1)
      await page.getByLabel('Filter').fill('letters')
      await letters.getByRole('link', { name: 'Run it' }).click()
      await page.locator('run-view').waitFor()
    }))

  test.each(['light', 'dark'] as const)('axe finds nothing, %s', async (colorScheme) => {
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    await open(server.url, async (page) => {
      await page.emulateMedia({ colorScheme })
      await page.locator('reference-view details summary').first().click()
      await page.evaluate(`${axe}; undefined`)
      const found = await page.evaluate(async () => {
        interface Result {
          violations: { id: string; nodes: { target: unknown }[] }[]
        }
        const { axe: tool } = window as unknown as { axe: { run(context: unknown): Promise<Result> } }
        const { violations } = await tool.run(document)
        return violations.map(({ id, nodes }) => `${id}: ${JSON.stringify(nodes.map(({ target }) => target))}`)
      })
      expect(found).toEqual([])
      await page.setViewportSize({ width: 360, height: 800 })
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
    })
  })

  test('in production only callers with the right of the console read it, and see what they may call', async () => {
    await using production = await testServer(FILES, { mode: 'serve' })
    await open(production.url, async (page) => {
      await page.locator('form.gate').waitFor()
      expect(await page.locator('reference-view').count()).toBe(0)
      const token = await makeToken({ secret: SECRET, sub: 'ada', roles: ['admin'], expiresSeconds: 600 })
      await page.getByLabel('Token').fill(token)
      await page.getByRole('button', { name: 'Open' }).click()
      await page.locator('reference-view details', { hasText: '/letters/{box}' }).waitFor()
      expect(await page.locator('reference-view details', { hasText: '/editors' }).count()).toBe(0)
    })
  })
})
