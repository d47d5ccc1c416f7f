import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { type Browser, type Page, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CommandLine, commandLine } from '@streamstack/test-support/command-line'
import { serve } from 'streamstack'
import { docBlocks } from '@streamstack/test-support/doc-blocks'
import { chromiumPath } from '@streamstack/test-support/elements-stage'

const docs = join(import.meta.dirname, '../docs/tutorials')

/** `test/docs.test.ts` runs the commands of the tutorials; here their pages are used in a browser. */
describe.skipIf(chromiumPath === undefined)('the pages of the tutorials', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox', '--disable-quic'] })
  })
  afterAll(() => browser.close())

  /** Writes the files of a tutorial, serves its workspace and its page, and opens the page. */
  async function follow(
    line: CommandLine,
    name: string,
    workspace: string,
    work: (page: Page, url: string) => Promise<void>,
    prepare: () => Promise<void>,
  ): Promise<void> {
    let html = ''
    const pages = createServer((_request, response) => response.setHeader('Content-Type', 'text/html').end(html))
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
    const origin = `http://localhost:${(pages.address() as AddressInfo).port}`
    const atOrigin = (text: string): string => text.replace('http://localhost:3000', origin)
    for (const { file, text } of docBlocks(readFileSync(join(docs, name), 'utf8'))) {
      if (file === null) continue
      mkdirSync(dirname(join(line.cwd, file)), { recursive: true })
      writeFileSync(join(line.cwd, file), text)
    }
    const dir = join(line.cwd, workspace)
    const settings = join(dir, 'streamstack.yaml')
    writeFileSync(settings, atOrigin(readFileSync(settings, 'utf8')))
    await prepare()
    const server = await serve({ dir, port: 0, mode: 'dev' })
    html = readFileSync(join(line.cwd, 'page/index.html'), 'utf8').replaceAll('http://127.0.0.1:8080', server.url)
    const page = await browser.newPage()
    const faults: string[] = []
    page.on('pageerror', ({ message }) => faults.push(message))
    try {
      await page.goto(origin)
      await work(page, server.url)
      expect(faults).toEqual([])
    } finally {
      await page.close()
      await server.close()
      pages.closeAllConnections()
      pages.close()
    }
  }

  test('the chat answers, and an answer goes on after a reload', async () => {
    using line = commandLine()
    expect(await line.run('init', 'my-chat', '--template', 'chat')).toMatchObject({ code: 0 })
    await follow(
      line,
      'chat-in-a-page.md',
      'my-chat',
      async (page) => {
        const chat = page.locator('stream-chat')
        const words = Array.from({ length: 40 }, (_, index) => `word${index}`).join(' ')
        await chat.locator('textarea').fill(words)
        await chat.locator('textarea').press('Enter')
        await chat.getByText('You said: word0 word1').first().waitFor()
        await page.reload()
        await expect.poll(() => chat.locator('.md').last().innerText()).toBe(`You said: ${words}`)
      },
      async () => undefined,
    )
  })

  test('the dashboard shows 50,000 records, and a new order the moment it is placed', async () => {
    using line = commandLine()
    await follow(
      line,
      'dashboard-over-records.md',
      'shop',
      async (page, url) => {
        const head = page.locator('stream-table .head .tiny')
        await expect.poll(() => head.innerText()).toMatch(/^50,000 rows/)
        const ordered = await fetch(`${url}/api/orders`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ city: 'Oslo', total: 12.5 }),
        })
        expect([ordered.status, await ordered.json()]).toEqual([201, { id: 50_001 }])
        await page.locator('activity-feed').getByText('Order 50001 from Oslo').waitFor()
        await page.locator('metric-card').getByText('12.5').first().waitFor()
        await page.locator('live-chart').getByText('Oslo').first().waitFor({ state: 'attached' })
      },
      async () => {
        execFileSync(process.execPath, ['orders.mjs'], { cwd: line.cwd })
        expect(await line.run('import', 'orders', 'orders.csv', 'shop')).toMatchObject({ code: 0 })
      },
    )
  })
})
