import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ConsoleStage,
  PAYLOAD,
  consoleStage,
  countOf,
  pressRun,
  stateIs,
  textIn,
} from '@streamstack/test-support/console-stage'
import { chromiumPath } from '@streamstack/test-support/elements-stage'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'

const send = (content: unknown, more: object = {}): object => ({ function: 'Streaming API Response', content, ...more })

const FILES = {
  'streamstack.yaml': {
    name: 'Console checks',
    auth: { jwt: { secret: 'a secret of at least 32 characters, for tests' } },
  },
  'endpoints/loop.json': {
    endpoint_settings: { method: 'POST', path: '/loop' },
    input_parameters: {
      color: { type: 'text', required: true },
      password: { type: 'text' },
      rounds: { type: 'integer', default: 4 },
    },
    function_stack: [
      {
        function: 'For',
        count: '{{rounds}}',
        inner_functions: [
          { function: 'Create Variable', name: 'line', value: '{{color}} {{loop_index}}' },
          send('{{line}}', { delay: 30 }),
        ],
      },
      send('[DONE]'),
    ],
  },
  'endpoints/breaks.json': {
    endpoint_settings: { method: 'GET', path: '/breaks' },
    function_stack: [
      { function: 'Create Variable', name: 'order', value: 7 },
      {
        function: 'Try-Catch Block',
        try_block: [{ function: 'Throw Error', code: 'first', message: 'The first fault.' }],
        catch_block: [send('caught')],
      },
      { function: 'Throw Error', code: 'second', message: 'The second fault.' },
    ],
  },
}

describe.skipIf(chromiumPath === undefined)('runs in the console', () => {
  let stage: ConsoleStage
  beforeAll(async () => {
    stage = await consoleStage(FILES)
  })
  afterAll(() => stage[Symbol.asyncDispose]())
  const open: ConsoleStage['open'] = (...call) => stage.open(...call)

  const openFile = async (page: Page, path: string): Promise<void> => {
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Open a file' }).click(),
    ])
    await chooser.setFiles(path)
  }

  test('variables at a step, for each round, and secrets hidden', () =>
    open('#/run/POST/loop', async (page) => {
      await page.getByLabel('color').fill('blue')
      await page.getByLabel('password').fill('hunter2')
      await page.getByLabel('Record variables').check()
      await pressRun(page)
      await stateIs(page, 'completed')
      await page.locator('chunk-list .line', { hasText: '"blue 2"' }).click()
      const variables = page.locator('side-pane .meta').first()
      await expect.poll(() => variables.textContent()).toContain('"blue 2"')
      expect(await page.locator('side-pane').textContent()).not.toContain('hunter2')
      await page.getByRole('button', { name: 'Round before' }).click()
      await expect.poll(() => variables.textContent()).toContain('"blue 1"')
      // The other way round: a step marks its chunks.
      await page.locator('stack-view .name', { hasText: 'For' }).first().click()
      expect(await page.locator('chunk-list .line.mine').count()).toBe(4)
    }))

  test('a step that failed shows its error and what it found; one whose failure was caught says so', () =>
    open('#/run/GET/breaks', async (page) => {
      await pressRun(page)
      await stateIs(page, 'failed')
      await expect.poll(() => page.locator('stack-view .caught').textContent()).toContain('first: The first fault.')
      await page.locator('stack-view .broken .name').click()
      await expect
        .poll(() => page.locator('side-pane .fault').first().textContent())
        .toContain('second: The second fault.')
      expect(await page.locator('side-pane .meta').first().textContent()).toMatch(/order\s*7/)
    }))

  test('a kept run plays again in its own time, at any speed, and stops where it is paused', () =>
    open('#/run/POST/loop', async (page) => {
      await page.getByLabel('color').fill('red')
      await page.getByLabel('rounds').fill('40')
      await pressRun(page)
      await stateIs(page, 'completed')
      await page.getByRole('link', { name: 'Runs' }).click()
      await page.locator('runs-view .item', { hasText: '/loop' }).first().click()
      await stateIs(page, 'completed')
      await page.getByLabel('speed').selectOption('0.25')
      await page.getByRole('button', { name: 'Replay' }).click()
      await page.locator('chunk-list .line').nth(1).waitFor()
      await page.getByRole('button', { name: 'Pause' }).click()
      await stateIs(page, 'paused')
      expect(await countOf(page)).toBeLessThan(41)
      expect(await page.locator('stack-view .now').count()).toBeGreaterThan(0)
      await page.getByLabel('speed').selectOption('10')
      await page.getByRole('button', { name: 'Replay' }).click()
      await stateIs(page, 'completed')
      expect(await countOf(page)).toBe(41)
      expect(await textIn(page, 'stack-view')).toContain('40 ×')
    }))

  test('runs again with the same inputs', () =>
    open('#/run/POST/loop', async (page) => {
      await page.getByLabel('color').fill('green')
      await pressRun(page)
      await stateIs(page, 'completed')
      await page.getByRole('link', { name: 'Runs' }).click()
      await page.locator('runs-view .item').first().click()
      await page.getByRole('button', { name: 'Run again' }).click()
      await page.locator('run-view').waitFor()
      await stateIs(page, 'completed')
      expect(await page.getByLabel('color').inputValue()).toBe('green')
      expect(await textIn(page, 'chunk-list')).toContain('"green 3"')
    }))

  test('a run is a file that opens again without a server', async () => {
    await using folder = await tempWorkspace({})
    const path = join(folder.dir, 'a.run.json')
    await open('#/run/POST/loop', async (page) => {
      await page.getByLabel('color').fill('saved')
      await page.getByLabel('password').fill('hunter2')
      await page.getByLabel('Record variables').check()
      await pressRun(page)
      await stateIs(page, 'completed')
      const [saved] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Download' }).click(),
      ])
      await saved.saveAs(path)
    })
    expect(await readFile(path, 'utf8')).not.toContain('hunter2')
    await open(
      '#/runs',
      async (page) => {
        await page.route('**/v1/**', (route) => route.abort())
        await openFile(page, path)
        await stateIs(page, 'completed')
        expect(await countOf(page)).toBe(5)
        await page.locator('chunk-list .line', { hasText: '"saved 1"' }).click()
        await expect.poll(() => page.locator('side-pane .meta').first().textContent()).toContain('"saved 1"')
        await page.getByLabel('speed').selectOption('10')
        await page.getByRole('button', { name: 'Replay' }).click()
        await stateIs(page, 'completed')
      },
      // The browser tells of requests that are cut off.
      { allowed: /Failed to load resource/ },
    )
  })

  test('a foreign file shows what it holds and runs nothing; what is no run says so', async () => {
    await using folder = await tempWorkspace({})
    const file = async (name: string, content: unknown): Promise<string> => {
      const path = join(folder.dir, name)
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
      return path
    }
    const event = {
      event: 'start',
      program: '',
      step: PAYLOAD,
      loop: [0],
      at: 1,
      chunks: 0,
      set: { [PAYLOAD]: PAYLOAD },
    }
    const hostile = await file('hostile.json', {
      streamstack_run: 1,
      run: PAYLOAD,
      method: PAYLOAD,
      path: PAYLOAD,
      started_at: PAYLOAD,
      outcome: PAYLOAD,
      error: { code: PAYLOAD, message: PAYLOAD },
      inputs: { [PAYLOAD]: PAYLOAD },
      is_timed: true,
      stack: [{ id: PAYLOAD, function: PAYLOAD, detail: PAYLOAD, stacks: [{ name: PAYLOAD, steps: [7, null] }] }, 'x'],
      chunks: [{ offset: 1, kind: PAYLOAD, content: PAYLOAD, metadata: { [PAYLOAD]: PAYLOAD }, at: 5 }, null, 7],
      trace: [{ events: [event, { ...event, loop: 'x' }, null] }, { failed: { step: 7 } }, null],
    })
    const none = await file('none.json', { chunks: [] })
    const text = await file('text.json', 'no JSON')
    await open('#/runs', async (page) => {
      await openFile(page, hostile)
      await page.locator('chunk-list .line').click()
      for (const step of await page.locator('stack-view .name').all()) await step.click()
      for (const view of ['Text', 'Table', 'JSON', 'Raw'])
        await page.getByRole('button', { name: view, exact: true }).click()
      await openFile(page, none)
      await expect.poll(() => page.getByRole('alert').textContent()).toContain('none.json: The file is no run')
      await openFile(page, text)
      await expect.poll(() => page.getByRole('alert').textContent()).toContain('text.json: The file is not JSON.')
    })
  })

  test('the first page tells each endpoint’s last outcome and its calls in the last minute', () =>
    open('', async (page) => {
      const card = page.locator('home-view .card', { hasText: '/breaks' })
      await expect.poll(() => card.textContent()).toMatch(/failed.*a minute/s)
      expect(await page.locator('home-view .card', { hasText: '/loop' }).textContent()).toContain('completed')
    }))

  test('steps and files link to the editor', () =>
    open('#/run/POST/loop', async (page) => {
      const href = await page.locator('.head a', { hasText: 'endpoints/loop.json' }).getAttribute('href')
      const answer = await stage.server.call(String(href).replace(stage.server.url, ''))
      expect(answer.headers.location).toMatch(/^vscode:\/\/file\/.*endpoints\/loop\.json:\d+:1$/)
      expect(await page.locator('stack-view .step a').first().getAttribute('href')).toMatch(/line=\d+/)
    }))

  test('text, regular expression, kind and kind with text filter chunks; a broken expression says so', () =>
    open('#/run/GET/breaks', async (page) => {
      await pressRun(page)
      await stateIs(page, 'failed')
      const filter = page.getByLabel('Filter chunks')
      for (const [wanted, count] of [
        ['CAUGHT', 1],
        ['/^"cau/', 1],
        ['kind:text', 1],
        ['kind:json', 0],
        ['kind:text nothing', 0],
        ['kind:text caught', 1],
      ] as const) {
        await filter.fill(wanted)
        await expect.poll(() => page.locator('chunk-list .line').count(), { message: wanted }).toBe(count)
      }
      await filter.fill('/(/')
      await expect.poll(() => textIn(page, 'chunk-list')).toMatch(/Invalid regular expression/)
    }))

  test('a frozen list stays where it is and counts what is new', () =>
    open('#/run/POST/loop', async (page) => {
      await page.getByLabel('color').fill('late')
      await page.getByLabel('rounds').fill('50')
      await pressRun(page)
      await page.locator('chunk-list .line').first().waitFor()
      await page.getByRole('button', { name: 'Freeze' }).click()
      await stateIs(page, 'completed')
      await expect.poll(() => page.locator('chunk-list .more').textContent()).toMatch(/\d new/)
      await page.locator('chunk-list .more').click()
      await expect.poll(() => page.locator('chunk-list .more').count()).toBe(0)
    }))
})
