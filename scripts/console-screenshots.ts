/**
 * Draws each screen of the console in light and dark, wide and at 360 px, into a folder, from the examples: `node --conditions=streamstack-source
 * scripts/console-screenshots.ts [folder] [name]`. For people who change how the console looks; nothing is compared. `docs/console.png` is `run-wide-dark.png`.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Page, chromium } from 'playwright-core'
import { serve } from 'streamstack'
import { chromiumPath } from '@streamstack/test-support/elements-stage'

const folder = process.argv[2] ?? 'screenshots'
const only = process.argv[3] ?? ''

interface Screen {
  readonly name: string
  readonly hash: string
  /** Height at 360 px. */
  readonly narrowHeight: number
  readonly act?: (page: Page) => Promise<unknown>
}

const run = async (page: Page): Promise<void> => {
  await page.getByLabel('Record variables').check()
  await page.getByRole('button', { name: /^Run Ctrl/ }).click()
  await page.locator('stream-pane .facts .pill:not(.running)', { hasText: /completed|failed/ }).waitFor()
}

const SCREENS: readonly Screen[] = [
  { name: 'home', hash: '', narrowHeight: 1_400 },
  {
    name: 'run',
    hash: '#/run/POST/api/stream-chat',
    narrowHeight: 2_400,
    act: async (page) => {
      await run(page)
      await page.locator('chunk-list .line').nth(9).click()
    },
  },
  {
    name: 'caught',
    hash: '#/run/GET/api/orders-report',
    narrowHeight: 2_000,
    act: async (page) => {
      await run(page)
      await page.locator('stack-view .caught .name').first().click()
    },
  },
  { name: 'failed', hash: '#/run/GET/api/orders-export', narrowHeight: 2_000, act: run },
  {
    name: 'table',
    hash: '#/run/GET/api/dashboard',
    narrowHeight: 2_000,
    act: async (page) => {
      await run(page)
      await page.getByRole('button', { name: 'Table', exact: true }).click()
    },
  },
  { name: 'runs', hash: '#/runs', narrowHeight: 900 },
  {
    name: 'replay',
    hash: '#/runs',
    narrowHeight: 2_000,
    act: async (page) => {
      await page.locator('runs-view .item', { hasText: '/api/stream-chat' }).first().click()
      await page.getByRole('button', { name: 'Replay' }).click()
      await page.locator('chunk-list .line').nth(12).waitFor()
      await page.getByRole('button', { name: 'Pause' }).click()
    },
  },
  {
    name: 'dashboard',
    hash: '#/dashboard',
    narrowHeight: 2_000,
    act: (page) => page.locator('metric-card').first().waitFor(),
  },
  { name: 'functions', hash: '#/functions', narrowHeight: 900 },
  {
    name: 'palette',
    hash: '',
    narrowHeight: 900,
    act: async (page) => {
      await page.keyboard.press('Control+k')
      await page.keyboard.type('stream')
    },
  },
]

await mkdir(folder, { recursive: true })
const data = await mkdtemp(join(tmpdir(), 'streamstack-console-'))
const server = await serve({ dir: join(import.meta.dirname, '../examples'), port: 0, mode: 'dev', data })
const browser = await chromium.launch({
  executablePath: chromiumPath ?? '',
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'],
})
try {
  for (const { name, hash, narrowHeight, act } of SCREENS) {
    if (only !== '' && only !== name) continue
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const [width, height] of [
        [1_440, 900],
        [360, narrowHeight],
      ] as const) {
        const page = await browser.newPage({ viewport: { width, height }, colorScheme })
        await page.goto(`${server.url}/console/${hash}`)
        await page.locator('nav a').first().waitFor({ state: 'attached' })
        await act?.(page)
        // Numbers of the server come once a second.
        await page.waitForTimeout(1_200)
        await page.screenshot({ path: join(folder, `${name}-${width === 360 ? 'narrow' : 'wide'}-${colorScheme}.png`) })
        await page.close()
      }
    }
  }
} finally {
  await browser.close()
  await server.close()
  await rm(data, { recursive: true, force: true })
}
