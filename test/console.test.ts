import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeToken } from '@streamstack/test-support/credentials'
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
import { testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a secret of at least 32 characters, for tests'
const send = (content: unknown, more: object = {}): object => ({ function: 'Streaming API Response', content, ...more })

const FILES = {
  'streamstack.yaml': { name: 'Console checks', auth: { jwt: { secret: SECRET } }, server: { cors: { origins: '*' } } },
  'endpoints/hello.json': {
    endpoint_settings: { method: 'GET', path: '/hello', description: PAYLOAD },
    function_stack: [
      {
        function: 'For',
        count: 5,
        inner_functions: [send('word {{loop_index}} ', { delay: 5, metadata: { round: '{{loop_index}}' } })],
      },
      send('[DONE]'),
    ],
  },
  'endpoints/slow.json': {
    endpoint_settings: { method: 'POST', path: '/api/slow' },
    input_parameters: { count: { type: 'integer', default: 60 }, message: { type: 'text', required: true } },
    function_stack: [
      { function: 'For', count: '{{count}}', inner_functions: [send('{{loop_index}} {{message}}', { delay: 20 })] },
    ],
  },
  'endpoints/endless.json': {
    endpoint_settings: { method: 'GET', path: '/api/endless' },
    function_stack: [
      { function: 'For', count: 100_000, inner_functions: [send('word {{loop_index}}', { delay: 50 })] },
    ],
  },
  'endpoints/many.json': {
    endpoint_settings: { method: 'GET', path: '/api/many' },
    function_stack: [{ function: 'For', count: 50_000, inner_functions: [send({ n: '{{loop_index}}' })] }],
  },
  'endpoints/fails.json': {
    endpoint_settings: { method: 'GET', path: '/api/fails' },
    function_stack: [send('half'), { function: 'Throw Error', code: 'shop_closed', message: 'The shop is closed.' }],
  },
  'endpoints/payload.json': {
    endpoint_settings: { method: 'GET', path: '/api/payload' },
    function_stack: [
      send(PAYLOAD, { metadata: { [PAYLOAD]: PAYLOAD } }),
      send({ [PAYLOAD]: PAYLOAD }),
      send([{ column: PAYLOAD }]),
      { function: 'Throw Error', code: 'bad', message: PAYLOAD },
    ],
  },
  'endpoints/secret.json': {
    endpoint_settings: { method: 'GET', path: '/api/secret', authentication: { roles: ['editor'] } },
    function_stack: [send('for {{auth.sub}}')],
  },
}

describe.skipIf(chromiumPath === undefined)('the console', () => {
  let stage: ConsoleStage
  beforeAll(async () => {
    stage = await consoleStage(FILES)
  })
  afterAll(() => stage[Symbol.asyncDispose]())
  const open: ConsoleStage['open'] = (...call) => stage.open(...call)

  test('one click on the first page runs an endpoint and shows its chunks', () =>
    open('', async (page) => {
      await page.locator('home-view .first a').click()
      await page.locator('chunk-list .line').first().waitFor()
      await stateIs(page, 'completed')
      expect(await countOf(page)).toBe(6)
      expect(await textIn(page, 'chunk-list')).toContain('"word 0 "')
      // What a reload shows, it does not run again.
      expect(page.url()).not.toContain('?run')
    }))

  test('steps tell how often they ran, chunks which step sent them, and a failed step its error', async () => {
    await open('#/run/GET/hello', async (page) => {
      await pressRun(page)
      await stateIs(page, 'completed')
      await expect.poll(() => textIn(page, 'stack-view')).toContain('5 ×')
      await page.locator('chunk-list .line', { hasText: 'word 3' }).click()
      expect(await textIn(page, 'chunk-list')).toContain('1 · For [3]')
      expect(await page.locator('side-pane .meta').last().textContent()).toMatch(/round\s*3/)
      await expect.poll(() => page.locator('stack-view .chosen').count()).toBe(1)
    })
    await open('#/run/GET/api/fails', async (page) => {
      await pressRun(page)
      await stateIs(page, 'failed')
      await expect
        .poll(() => page.locator('stack-view .broken').textContent())
        .toContain('shop_closed: The shop is closed.')
    })
  })

  test('a dropped connection resumes, and no chunk is lost or doubled', () =>
    open('#/run/POST/api/slow', async (page) => {
      await pressRun(page)
      await page.locator('chunk-list .line').nth(3).waitFor()
      await page.getByRole('button', { name: 'Drop connection' }).click()
      await stateIs(page, 'completed')
      expect(await countOf(page)).toBe(60)
      expect(await page.locator('stream-pane .facts').textContent()).toContain('1resumed')
    }))

  test('Stop cancels the run; what came stays', () =>
    open('#/run/POST/api/slow', async (page) => {
      await pressRun(page)
      await page.locator('chunk-list .line').nth(2).waitFor()
      await page.getByRole('button', { name: 'Stop' }).click()
      await stateIs(page, 'cancelled')
      expect(await countOf(page)).toBeGreaterThan(2)
    }))

  test('Freeze holds a view of the whole run still until Follow', () =>
    open('#/run/GET/api/endless', async (page) => {
      await page.getByRole('group', { name: 'View' }).getByRole('button', { name: 'JSON' }).click()
      await pressRun(page)
      await expect.poll(() => textIn(page, 'whole-view')).toContain('"word 3"')
      await page.getByRole('button', { name: 'Freeze' }).click()
      const frozen = await textIn(page, 'whole-view')
      const count = await countOf(page)
      await expect.poll(() => countOf(page)).toBeGreaterThan(count + 10)
      await page.getByRole('button', { name: 'Stop' }).click()
      await stateIs(page, 'cancelled')
      expect(await textIn(page, 'whole-view')).toBe(frozen)
      await page.getByRole('button', { name: 'Follow' }).click()
      await expect.poll(() => textIn(page, 'whole-view')).toContain(`"word ${count + 10}"`)
    }))

  test('a token is made for an endpoint that asks for one', () =>
    open('#/run/GET/api/secret', async (page) => {
      await pressRun(page)
      await stateIs(page, 'completed')
      expect(await textIn(page, 'chunk-list')).toContain('for developer')
    }))

  test('50,000 chunks: none is lost, and the page holds the rows in sight alone', () =>
    open(
      '#/run/GET/api/many',
      async (page) => {
        await pressRun(page)
        await stateIs(page, 'completed')
        expect(await countOf(page)).toBe(50_000)
        expect(await page.locator('chunk-list .line').count()).toBeLessThan(100)
        await page.getByLabel('Filter chunks').fill('/"n":4999\\d}/')
        await expect.poll(() => page.locator('chunk-list .line').count()).toBe(10)
      },
      // So many steps may be faster than the page reads of them.
      { allowed: /status of 410|ERR_INCOMPLETE_CHUNKED_ENCODING/ },
    ))

  test('no content, name or message becomes script', () =>
    open('#/run/GET/api/payload', async (page) => {
      await pressRun(page)
      await stateIs(page, 'failed')
      for (const view of ['Text', 'Table', 'JSON', 'Raw', 'Chunks']) {
        await page.getByRole('button', { name: view, exact: true }).click()
        await page.waitForFunction(() => document.readyState === 'complete')
      }
      await page.locator('chunk-list .line').first().click()
      await page.locator('side-pane .meta').waitFor()
      for (const step of await page.locator('stack-view .name').all()) await step.click()
    }))

  test('everything of Run by keyboard: the palette finds it, the form runs it, arrows choose chunks', () =>
    open('', async (page) => {
      await page.keyboard.press('Control+k')
      await page.keyboard.type('slow')
      await page.keyboard.press('Enter')
      await page.getByLabel('count').focus()
      await page.keyboard.type('3')
      await page.keyboard.press('Control+Enter')
      await stateIs(page, 'completed')
      await page.getByRole('listbox', { name: 'Chunks' }).focus()
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('ArrowDown')
      await expect
        .poll(() => page.locator('chunk-list [aria-selected=true]').textContent())
        .toContain('"1 How do streams work?"')
    }))

  test('a run is opened again from the list', () =>
    open('#/run/GET/hello', async (page) => {
      await pressRun(page)
      await stateIs(page, 'completed')
      await page.getByRole('link', { name: 'Runs' }).click()
      await page.locator('runs-view .item', { hasText: 'GET /hello' }).first().click()
      await expect.poll(() => textIn(page, 'chunk-list')).toContain('"[DONE]"')
      // With its trace: which step sent a chunk, and how often each step ran.
      expect(await textIn(page, 'chunk-list')).toContain('1 · For [4]')
      expect(await textIn(page, 'stack-view')).toContain('5 ×')
    }))

  test.each(['light', 'dark'] as const)('axe finds nothing on any screen, %s', async (colorScheme) => {
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    for (const hash of ['', '#/run/GET/hello', '#/runs', '#/dashboard', '#/functions']) {
      await open(
        hash,
        async (page) => {
          if (hash.includes('/run/')) {
            await page.getByLabel('Record variables').check()
            await pressRun(page)
            await stateIs(page, 'completed')
            await page.locator('chunk-list .line').nth(1).click()
          }
          if (hash === '#/runs') {
            await page.locator('runs-view .item').first().click()
            await page.locator('recording-view').waitFor()
          }
          await page.evaluate(`${axe}; undefined`)
          const found = await page.evaluate(async () => {
            interface Result {
              violations: { id: string; nodes: { target: unknown; failureSummary?: string }[] }[]
            }
            const tool = (window as unknown as { axe: { run(context: unknown): Promise<Result> } }).axe
            const { violations } = await tool.run(document)
            return violations.flatMap(({ id, nodes }) =>
              nodes.map(({ target, failureSummary }) => `${id}: ${JSON.stringify(target)} ${failureSummary ?? ''}`),
            )
          })
          expect(found.map((one) => `${hash} ${one}`)).toEqual([])
        },
        { colorScheme },
      )
    }
  })

  test('at 360 px a run comes into view when it is started', () =>
    open(
      '#/run/POST/api/slow',
      async (page) => {
        const viewport = { top: 0, bottom: 640 }
        const place = async (selector: string): Promise<{ top: number; bottom: number }> => {
          const box = await page.locator(selector).first().boundingBox()
          return { top: box?.y ?? NaN, bottom: (box?.y ?? NaN) + (box?.height ?? NaN) }
        }
        expect((await place('stream-pane')).top).toBeGreaterThan(viewport.bottom / 2)
        await pressRun(page)
        await page.locator('chunk-list .line').nth(1).waitFor()
        const [facts, line] = [await place('stream-pane .facts'), await place('chunk-list .line')]
        expect(facts.top).toBeGreaterThanOrEqual(viewport.top)
        expect(line.bottom).toBeLessThanOrEqual(viewport.bottom)
      },
      { viewport: { width: 360, height: 640 } },
    ))

  test('at 360 px nothing scrolls sideways, on any screen', async () => {
    for (const hash of ['', '#/run/GET/hello', '#/runs', '#/dashboard', '#/functions']) {
      await open(
        hash,
        async (page) => {
          if (hash.includes('/run/')) {
            await page.getByLabel('Record variables').check()
            await pressRun(page)
            await stateIs(page, 'completed')
            await page.locator('chunk-list .line').nth(1).click()
          }
          if (hash === '#/runs') {
            await page.locator('runs-view .item').first().click()
            await page.locator('recording-view').waitFor()
          }
          expect(await page.evaluate(() => document.documentElement.scrollWidth), hash).toBeLessThanOrEqual(360)
        },
        { viewport: { width: 360, height: 800 } },
      )
    }
  })
})

describe('who may use the console', () => {
  const PATHS = ['/v1/workspace', '/v1/workspace/runs', '/console/']

  test('in dev: programs and pages of this machine, no foreign Host, no foreign page, whatever CORS lists', async () => {
    await using server = await testServer(FILES, { mode: 'dev' })
    for (const path of PATHS) {
      expect((await server.call(path)).status).toBe(200)
      expect((await server.call(path, { headers: { host: 'evil.example' } })).status).toBe(421)
    }
    const foreign = { headers: { origin: 'https://evil.example' } }
    expect((await server.call('/v1/workspace', foreign)).status).toBe(403)
    expect((await server.call('/v1/workspace/token', { method: 'POST', body: {}, ...foreign })).status).toBe(403)
    expect((await server.call('/hello', { headers: { ...foreign.headers, 'stream-trace': 'true' } })).status).toBe(403)
    const { text } = await server.call('/v1/workspace')
    expect(text).not.toContain(server.dir)
    expect(text).not.toContain(SECRET)
  })

  test('in serve: no caller, until the settings name a role', async () => {
    await using server = await testServer(FILES)
    for (const path of [...PATHS, '/console', '/console/console.js']) expect((await server.call(path)).status).toBe(404)
    expect((await server.call('/v1/workspace/token', { method: 'POST', body: {} })).status).toBe(404)
    expect((await server.call('/hello', { headers: { 'stream-trace': 'true' } })).status).toBe(404)
    expect((await server.call('/hello')).status).toBe(200)
  })

  test('in serve with a role: a token with it, and no other; tokens are not made there', async () => {
    const settings = { ...FILES['streamstack.yaml'], console: { access: 'admin' } }
    await using server = await testServer({ ...FILES, 'streamstack.yaml': settings })
    const as = async (...roles: string[]): Promise<{ headers: Record<string, string> }> => {
      const token = await makeToken({ secret: SECRET, sub: 'ada', roles, expiresSeconds: 60 })
      return { headers: { authorization: `Bearer ${token}` } }
    }
    expect((await server.call('/console/')).status).toBe(200)
    expect((await server.call('/v1/workspace')).status).toBe(401)
    expect((await server.call('/v1/workspace', await as('editor'))).status).toBe(403)
    expect((await server.call('/v1/workspace', await as('admin'))).status).toBe(200)
    expect(
      (await server.call('/v1/workspace/token', { method: 'POST', body: {}, ...(await as('admin')) })).status,
    ).toBe(404)
    const admin = await as('admin')
    const traced = await server.call('/hello', { headers: { ...admin.headers, 'stream-trace': 'true' } })
    const trace = `/v1/stream/runs/${String(traced.headers['stream-run'])}/trace`
    expect((await server.call(trace)).status).toBe(401)
    const { text } = await server.call(trace, admin)
    expect(text).toContain('"event":"start"')
    expect(text).toContain('event: end')
  })

  test('other runs have no trace', async () => {
    await using server = await testServer(FILES, { mode: 'dev' })
    const { headers } = await server.call('/hello')
    expect((await server.call(`/v1/stream/runs/${String(headers['stream-run'])}/trace`)).status).toBe(404)
  })
})
