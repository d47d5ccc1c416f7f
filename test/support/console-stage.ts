import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core'
import { expect } from 'vitest'
import { chromiumPath } from './elements-stage.ts'
import type { Files } from './temp-workspace.ts'
import { type TestServer, testServer } from './test-server.ts'

const FLAGS =
  '--no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

/** A scripts that would run if it were taken for markup, wherever it stands. */
export const PAYLOAD = `"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script><svg/onload=window.hacked=1>{{7*7}}javascript:window.hacked=1`

export interface ConsoleStage extends AsyncDisposable {
  readonly server: TestServer
  readonly browser: Browser
  /** Opens a page of the console; what goes wrong in it fails the test, but for messages that `allowed` matches. */
  open(
    hash: string,
    work: (page: Page) => Promise<void>,
    options?: BrowserContextOptions & { allowed?: RegExp },
  ): Promise<void>
}

/** A server in `dev` with its console, and a browser. */
export async function consoleStage(files: Files): Promise<ConsoleStage> {
  const server = await testServer(files, { mode: 'dev' })
  const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: FLAGS.split(' ') })
  return {
    server,
    browser,
    async open(hash, work, { allowed, ...options } = {}) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options })
      const page = await context.newPage()
      const faults: string[] = []
      page.on('pageerror', (error) => faults.push(error.message))
      page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
      page.on('dialog', (dialog) => faults.push(dialog.message()))
      try {
        await page.goto(`${server.url}/console/${hash}`)
        await page.locator('nav a').first().waitFor({ state: 'attached' })
        await work(page)
        expect(faults.filter((fault) => allowed?.test(fault) !== true)).toEqual([])
        expect(await page.evaluate(() => 'hacked' in window)).toBe(false)
      } finally {
        await context.close()
      }
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** The text in the shadow tree of an element. */
export const textIn = (page: Page, name: string): Promise<string> =>
  page.locator(name).evaluate((element) => element.shadowRoot?.textContent ?? '')

/** Presses Run. */
export const pressRun = (page: Page): Promise<void> => page.getByRole('button', { name: /^Run Ctrl/ }).click()

/** Waits until the run that is shown has this state. */
export async function stateIs(page: Page, state: string): Promise<void> {
  await page.locator('stream-pane .facts .pill', { hasText: state }).waitFor()
}

/** The number of chunks that the page says it has. */
export async function countOf(page: Page): Promise<number> {
  const text = await page.locator('stream-pane .facts div', { hasText: 'chunks' }).locator('b').textContent()
  return Number(text?.replaceAll(',', ''))
}
