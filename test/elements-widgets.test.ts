import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { violations } from '@streamstack/test-support/axe'
import {
  type Script,
  type Stage,
  type StagePage,
  chromiumPath,
  elementsStage,
} from '@streamstack/test-support/elements-stage'

const HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'

describe.skipIf(chromiumPath === undefined)('the other elements in a real browser, under a strict policy', () => {
  let stage: Stage
  const opened = new Map<string, Script[]>()

  /** Answers a path with a script that the test writes. */
  function scripted(path: string): () => Promise<Script> {
    const scripts: Script[] = []
    opened.set(path, scripts)
    stage.answer(path, (script) => void scripts.push(script))
    return async () => {
      await expect.poll(() => scripts.length).toBeGreaterThan(0)
      return scripts.at(-1) as Script
    }
  }

  beforeAll(async () => {
    stage = await elementsStage()
  })

  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]()
  })

  const inside = (query: string, code: string): string =>
    `const element = $('${query}'); const root = element.shadowRoot; ${code}`
  /** The texts of an element, with one space between them. */
  const text = (page: StagePage, query: string, part: string): Promise<string | null> =>
    page.run(
      inside(
        query,
        `const part = root.querySelector('${part}')
        if (part === null) return null
        const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT)
        const texts = []
        while (walker.nextNode()) if (walker.currentNode.data.trim() !== '') texts.push(walker.currentNode.data.trim())
        return texts.join(' ')`,
      ),
    )

  async function done(page: StagePage): Promise<void> {
    expect(await page.run('return [window.hacked ?? null, faults]')).toEqual([null, []])
    // What the browser itself says of a connection that the test broke.
    expect(page.faults.filter((fault) => !fault.startsWith('Failed to load resource: net::'))).toEqual([])
  }

  test('<stream-text> joins chunks as it is told, and a sentence is announced once it is whole', async () => {
    const script = scripted('/text')
    await using page = await stage.open('<stream-text src="/text" join="line"></stream-text>')
    const { chunk, end } = await script()
    chunk('First line.')
    chunk('Second')
    chunk({ ignored: true })
    await expect.poll(() => page.run(inside('stream-text', 'return element.text'))).toBe('First line.\nSecond')
    await expect.poll(() => text(page, 'stream-text', '[role=status]')).toBe('First line.')
    end()
    await expect.poll(() => text(page, 'stream-text', '[role=status]')).toBe('First line. Second')
    await done(page)
  })

  test('<stream-status> and <stream-progress> watch another element, and Retry opens it again', async () => {
    const script = scripted('/watched')
    await using page = await stage.open(
      '<stream-status for="t"></stream-status><stream-progress for="t" heading="Export"></stream-progress><stream-text id="t" src="/watched"></stream-text>',
    )
    const { chunk, end } = await script()
    await expect.poll(() => text(page, 'stream-status', '.pill')).toBe('connecting')
    for (let index = 1; index <= 5; index++) chunk('x', { progress_percentage: index * 10 })
    await expect.poll(() => text(page, 'stream-status', '.pill')).toBe('streaming')
    await expect.poll(() => text(page, 'stream-progress', '.line')).toMatch(/^5 chunks .+ 50 %/)
    expect(
      await page.run(
        inside('stream-progress', `return root.querySelector('[role=progressbar]').getAttribute('aria-valuenow')`),
      ),
    ).toBe('50')
    end('failed', { code: 'step_failed', message: HOSTILE, recoverable: true, retry_after: null })
    await expect.poll(() => text(page, 'stream-status', '.message')).toBe(HOSTILE)
    const count = opened.get('/watched')?.length ?? 0
    await page.page.locator('stream-status').getByRole('button', { name: 'Retry' }).click()
    await expect.poll(() => opened.get('/watched')?.length).toBe(count + 1)
    const again = await script()
    again.chunk('y')
    again.end()
    await expect.poll(() => text(page, 'stream-status', '.pill')).toBe('completed')
    expect(await page.run(`return $('#t').text`)).toBe('y')
    await done(page)
  })

  test('<stream-status> counts down to the next attempt', async () => {
    stage.raw('/unavailable', (_request, response) => {
      response.writeHead(503, { 'Retry-After': '7', 'Content-Type': 'application/problem+json' })
      response.end('{"code":"unavailable","detail":"Later.","recoverable":true}')
    })
    await using page = await stage.open('<stream-status src="/unavailable"></stream-status>')
    await expect.poll(() => text(page, 'stream-status', '.pill')).toMatch(/^reconnecting in [67] s$/)
  })

  test('a token comes from a property or a function, never from markup', async () => {
    const seen: (string | undefined)[] = []
    stage.raw('/guarded', (request, response) => {
      seen.push(request.headers.authorization)
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
      response.end('{"type":"end","outcome":"completed","offset":0,"error":null}\n')
    })
    await using page = await stage.open('<stream-text manual src="/guarded" token="in-markup"></stream-text>')
    const run = (code: string): Promise<unknown> =>
      page.run(
        inside(
          'stream-text',
          `${code}; element.start(); await new Promise((resolve) => element.addEventListener('stream-end', resolve, { once: true }))`,
        ),
      )
    await run('')
    await run(`element.token = async () => 'from-function'`)
    await run(`element.token = null; StreamstackElements.configure({ token: 'of-the-page' })`)
    expect(seen).toEqual([undefined, 'Bearer from-function', 'Bearer of-the-page'])
    expect(page.faults.join()).toContain('ignores the attribute "token"')
  })

  test('the token of a page goes to its server alone, and //host names none', async () => {
    const seen: [string, string | undefined][] = []
    const answer = (path: string, name: string): void =>
      stage.raw(path, (request, response) => {
        if (request.method !== 'OPTIONS') seen.push([name, request.headers.authorization])
        response.writeHead(200, {
          'Content-Type': path.includes('dash') ? 'application/json' : 'application/x-ndjson',
          'Access-Control-Allow-Origin': '*',
          'Access-Control-Allow-Headers': '*',
        })
        const widgets = [
          { type: 'metric', title: 'M', source: { endpoint: `GET ${elsewhere}/of-a-widget` }, path: 'a', width: 1 },
        ]
        response.end(
          path.includes('dash')
            ? JSON.stringify({ title: 'D', description: null, widgets })
            : '{"type":"end","outcome":"completed","offset":0,"error":null}\n',
        )
      })
    const elsewhere = stage.url.replace('127.0.0.1', 'localhost')
    answer('/here', 'here')
    answer('/of-a-widget', 'of a widget')
    answer('/there', 'there')
    answer('/dash', 'dash')
    await using page = await stage.open('<stream-text manual></stream-text><stream-dashboard></stream-dashboard>', {
      prepare: `addEventListener('DOMContentLoaded', () => StreamstackElements.configure({ token: 'of-the-page' }))`,
    })
    const read = (src: string): Promise<string | null> =>
      page.run(
        inside(
          'stream-text',
          `element.src = ${JSON.stringify(src)}; element.start()
          await new Promise((resolve) => element.addEventListener('stream-end', resolve, { once: true }))
          return element.status.message`,
        ),
      )
    await read('/here')
    await read(`${elsewhere}/there`)
    expect(await read(`//localhost:${new URL(stage.url).port}/there`)).toContain('names no server')
    await page.run(
      `$('stream-dashboard').src = '/dash'; await new Promise((resolve) => $('stream-dashboard').addEventListener('stream-end', resolve, { once: true }))`,
    )
    expect(seen.filter(([, token]) => token !== undefined)).toEqual([
      ['here', 'Bearer of-the-page'],
      ['dash', 'Bearer of-the-page'],
    ])
    expect(seen.map(([name]) => name)).toEqual(['here', 'there', 'dash', 'of a widget'])
  })

  test('widgets share one reading of a stream, begin with its history, and say when data is stale', async () => {
    let readings = 0
    const live = scripted('/v1/stream/system/metrics')
    stage.raw('/v1/stream/system/history', (request, response) => {
      readings += String(request.headers.accept).startsWith('application/json') ? 1 : 100
      const chunks = Array.from({ length: 30 }, (_none, index) => ({
        offset: index + 1,
        content: { time: new Date(Date.now() - (31 - index) * 10_000).toISOString(), users: 100 + index },
        metadata: null,
      }))
      response.writeHead(200, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify({ run: null, outcome: null, chunks, error: null }))
    })
    const source = 'stream="system/metrics" history="system/history" path="users" heading="Users"'
    await using page = await stage.open(
      `<metric-card ${source} unit="now" better="higher" stale="0.2"></metric-card><live-chart ${source}></live-chart><live-chart type="gauge" stream="system/metrics" path="users" max="200" warn="150" heading="Gauge"></live-chart>`,
    )
    const { chunk } = await live()
    await expect.poll(() => text(page, 'metric-card', '.value span')).toBe('129')
    chunk({ time: new Date().toISOString(), users: 160, name: HOSTILE })
    await expect.poll(() => text(page, 'metric-card', '.value span')).toBe('160')
    await expect.poll(() => text(page, 'live-chart', '.legend b')).toBe('160')
    await expect.poll(() => text(page, 'live-chart[type=gauge]', 'text')).toBe('160')
    expect(
      await page.run(
        inside('live-chart[type=gauge]', `return root.querySelector('.arc').classList.contains('caught')`),
      ),
    ).toBe(true)
    await expect.poll(() => text(page, 'live-chart', 'table')).toContain('129')
    await expect.poll(() => text(page, 'metric-card', '.pill')).toMatch(/^no data for \d+ s$/)
    // One that is stopped says so; the others read on.
    const ended = await page.run(
      `return new Promise((resolve) => { const card = document.querySelector('metric-card'); card.addEventListener('stream-end', ({ detail }) => resolve(detail.outcome)); card.stop(); card.stop() })`,
    )
    expect(ended).toBe('cancelled')
    chunk({ time: new Date().toISOString(), users: 161 })
    await expect.poll(() => text(page, 'live-chart[type=gauge]', 'text')).toBe('161')
    expect(await text(page, 'metric-card', '.value span')).toBe('160')
    expect(opened.get('/v1/stream/system/metrics')).toHaveLength(1)
    // One for the card and one for the chart that begin with it.
    expect(readings).toBe(2)
    await done(page)
  })

  test('a widget comes back to a server that was away for long, and to one that was restarted', async () => {
    let isAway = true
    const asked: (string | undefined)[] = []
    stage.raw('/v1/stream/system/away', (request, response) => {
      const after = request.headers['last-event-id']
      if (isAway) return void response.destroy()
      asked.push(after as string | undefined)
      if (after !== undefined) {
        response.writeHead(410, { 'Content-Type': 'application/problem+json' })
        return void response.end('{"code":"offset_expired","detail":"Gone.","recoverable":false}')
      }
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
      response.write(
        `{"offset":${1000 + asked.length},"type":"chunk","content":{"n":${asked.length}},"metadata":null}\n`,
      )
      const timer = setInterval(() => isAway && response.destroy(), 20)
      response.on('close', () => clearInterval(timer))
    })
    await using page = await stage.open('<metric-card stream="system/away" path="n" heading="N"></metric-card>', {
      prepare: 'Math.random = () => 0',
    })
    const waiting = inside(
      'metric-card',
      `return element.status.state === 'reconnecting' && element.status.waitMs > 10000`,
    )
    await expect.poll(() => page.run(waiting)).toBe(true)
    isAway = false
    await page.run(`dispatchEvent(new Event('online'))`)
    await expect.poll(() => text(page, 'metric-card', '.value span')).toBe('1')
    expect(await text(page, 'metric-card', '.pill')).toBeNull()
    // The server goes, and comes back without what was before.
    isAway = true
    await expect.poll(() => page.run(waiting)).toBe(true)
    isAway = false
    await page.run(`dispatchEvent(new Event('online'))`)
    await expect.poll(() => text(page, 'metric-card', '.value span')).toBe('3')
    expect(asked).toEqual([undefined, '1001', undefined])
  })

  test('<metric-card> tells a change by a word, a bound by another', async () => {
    await using page = await stage.open(
      '<metric-card heading="Rate" path="n" better="lower" span="5" warn="50" fail="90"></metric-card>',
    )
    const push = (values: readonly number[]): Promise<void> =>
      page.run(
        inside(
          'metric-card',
          `for (const [index, n] of ${JSON.stringify(values)}.entries()) element.push({ n }, window.at = (window.at ?? 0) + 1000)`,
        ),
      )
    // Five spans of a second are not enough: what was before them is not known.
    await push([1, 10, 10, 10, 10, 10])
    await expect.poll(() => text(page, 'metric-card', '.value span')).toBe('10')
    expect(await text(page, 'metric-card', '.pill')).toBeNull()
    await push([10])
    await expect.poll(() => text(page, 'metric-card', '.pill')).toBe('steady')
    await push([20])
    await expect.poll(() => text(page, 'metric-card', '.pill')).toBe('+100 % worse than before')
    await push([60])
    await expect.poll(() => text(page, 'metric-card', '.pill')).toBe('above 50')
    await push([95])
    await expect.poll(() => text(page, 'metric-card', '.pill')).toBe('above 90')
    await done(page)
  })

  test('<metric-card> tells no change against a time in which next to nothing was', async () => {
    await using page = await stage.open('<metric-card heading="Calls" path="n" span="5"></metric-card>')
    const push = (values: readonly number[]): Promise<void> =>
      page.run(
        inside(
          'metric-card',
          `for (const n of ${JSON.stringify(values)}) element.push({ n }, window.at = (window.at ?? 0) + 1000)`,
        ),
      )
    for (const [values, newest] of [
      [[0, 0, 0, 0, 0, 0, 0, 40], '40'],
      [[30], '30'],
    ] as const) {
      await push(values)
      await expect.poll(() => text(page, 'metric-card', '.value span')).toBe(newest)
      expect(await text(page, 'metric-card', '.pill')).toBeNull()
    }
    await push([30, 30, 60])
    await expect.poll(() => text(page, 'metric-card', '.pill')).toMatch(/^\+\d+ % against/)
    await done(page)
  })

  test('<live-chart> begins with its first two points, and gives them the width', async () => {
    await using page = await stage.open('<live-chart heading="Load" path="n" span="3600"></live-chart>')
    const push = (count: number): Promise<void> =>
      page.run(
        inside(
          'live-chart',
          `for (let index = 0; index < ${count}; index++) element.push({ n: 5 }, window.at = (window.at ?? 0) + 2000)`,
        ),
      )
    const none = (): Promise<string | null> => text(page, 'live-chart', '.none')
    expect(await none()).toBe('No data yet')
    await push(1)
    await expect.poll(none).toBe('Collecting data…')
    expect(await page.run(inside('live-chart', `return root.querySelector('canvas')`))).toBeNull()
    await push(89)
    await expect.poll(none).toBeNull()
    // Columns of pixels in the color of the line; axes and their texts are gray. Three minutes are there of an hour.
    const drawnShare = inside(
      'live-chart',
      `const canvas = root.querySelector('canvas')
      if (canvas === null) return 0
      const { width, height } = canvas
      const { data } = canvas.getContext('2d').getImageData(0, 0, width, height)
      const columns = new Set()
      for (let at = 0; at < data.length; at += 4)
        if (data[at + 3] > 200 && data[at + 1] - data[at] > 60) columns.add((at / 4) % width)
      return columns.size / width`,
    )
    await expect.poll(() => page.run<number>(drawnShare)).toBeGreaterThan(0.7)
    await done(page)
  })

  test('<live-chart> draws lines on a canvas, names what is under the keyboard, and hides a line', async () => {
    await using page = await stage.open(
      '<live-chart heading="Load" series="a: First, b: Second" unit="ms"></live-chart>',
    )
    await page.run(
      inside(
        'live-chart',
        `for (let index = 0; index < 60; index++) element.push({ a: index, b: 2 * index }, Date.now() - (60 - index) * 1000)`,
      ),
    )
    await expect.poll(() => page.run(inside('live-chart', `return root.querySelector('canvas') !== null`))).toBe(true)
    await expect.poll(() => text(page, 'live-chart', '.legend')).toMatch(/^First 59 ms Second 118 ms$/)
    await page.page.locator('live-chart').locator('.plot').focus()
    await page.page.keyboard.press('ArrowLeft')
    await expect.poll(() => text(page, 'live-chart', '.legend')).toMatch(/^First 58 ms Second 116 ms/)
    const button = page.page.locator('live-chart').getByRole('button', { name: /First/ })
    await button.click()
    expect(await button.getAttribute('aria-pressed')).toBe('false')
    await done(page)
  })

  test('<live-chart> has its newest points in the table for screen readers also when nothing comes after them', async () => {
    await using page = await stage.open('<live-chart heading="Load" path="n" stale="1000000"></live-chart>', {
      // Its five seconds pass in a quarter of one.
      prepare: `const [now, later] = [performance.now.bind(performance), setTimeout]
        performance.now = () => 20 * now()
        window.setTimeout = (work, ms) => later(work, ms / 20)`,
    })
    await page.run(
      inside(
        'live-chart',
        `const push = (n) => element.push({ n }, Date.now() - (99 - n) * 1000)
        for (let n = 1; n <= 12; n++) push(n)
        // The next one comes right behind the table that was written for these.
        const seen = new MutationObserver(() => root.querySelector('td') && (seen.disconnect(), push(13)))
        seen.observe(root, { childList: true, subtree: true })`,
      ),
    )
    await expect
      .poll(() =>
        page.run(inside('live-chart', `return [...root.querySelectorAll('td')].map((cell) => cell.textContent)`)),
      )
      .toEqual(Array.from({ length: 10 }, (_, index) => String(index + 4)))
    await done(page)
  })

  test('<live-chart type="bar"> compares the entries of a list, or counts what comes', async () => {
    await using page = await stage.open(
      '<live-chart type="bar" heading="Calls" each="list" label="name" path="n"></live-chart><live-chart id="c" type="bar" heading="Outcomes" count-by="outcome"></live-chart>',
    )
    await page.run(
      inside(
        'live-chart',
        `element.push({ list: [{ name: 'a', n: 1 }, { name: ${JSON.stringify(HOSTILE)}, n: 5 }, { name: 'none' }] })
        for (let index = 0; index < 300; index++) $('#c').push({ outcome: 'o' + (index % 12) })
        $('#c').push({ outcome: '__proto__' })`,
      ),
    )
    await expect.poll(() => text(page, 'live-chart', '.bars li')).toBe(`${HOSTILE} 5`)
    await expect.poll(() => page.run(inside('#c', `return root.querySelectorAll('.bars li').length`))).toBe(8)
    await expect.poll(() => text(page, '#c', '.bars li:last-child')).toBe('others 126')
    await done(page)
  })

  test('<activity-feed> keeps what is read in place while more comes in above', async () => {
    await using page = await stage.open('<activity-feed heading="Activity" max="50"></activity-feed>', {
      css: 'activity-feed { block-size: 260px }',
    })
    const push = (count: number): Promise<void> =>
      page.run(
        inside(
          'activity-feed',
          `for (let index = 0; index < ${count}; index++) element.push({ route: 'GET /x' + index, outcome: 'failed', caller: ${JSON.stringify(HOSTILE)}, chunks: 2, duration_ms: 40, error: 'step_failed' })`,
        ),
      )
    await push(30)
    await expect
      .poll(() => text(page, 'activity-feed', 'li'))
      .toBe(`failed GET /x29 ${HOSTILE} · 2 chunks · 40 ms · step_failed now`)
    await page.run(
      inside('activity-feed', `root.querySelector('ul').scrollTop = 200; await new Promise(requestAnimationFrame)`),
    )
    const place = inside(
      'activity-feed',
      `const box = root.querySelector('ul').getBoundingClientRect().top
      return [...root.querySelectorAll('li')].find((row) => row.getBoundingClientRect().top >= box).querySelector('.what').textContent`,
    )
    const before = await page.run(place)
    await push(5)
    await expect.poll(() => text(page, 'activity-feed', '.new')).toBe('↑ 5 new')
    await expect.poll(() => page.run(place)).toBe(before)
    await push(60)
    await expect.poll(() => page.run(inside('activity-feed', `return root.querySelectorAll('li').length`))).toBe(50)
    await page.page.locator('activity-feed').locator('.new').click()
    await expect.poll(() => text(page, 'activity-feed', '.new')).toBeNull()
    await done(page)
  })

  test('<stream-table> holds 100,000 rows in a few elements, scrolls to any of them, sorts, and follows at the end', async () => {
    await using page = await stage.open('<stream-table heading="Rows" follow></stream-table>')
    await page.run(
      inside(
        'stream-table',
        `for (let from = 0; from < 100000; from += 1000)
        element.push(Array.from({ length: 1000 }, (_none, index) => ({ id: from + index, name: 'row ' + (from + index), 'a.b': ${JSON.stringify(HOSTILE)} })))`,
      ),
    )
    await expect.poll(() => text(page, 'stream-table', '.head .tiny')).toBe('100,000 rows')
    const shown = inside(
      'stream-table',
      `return [...root.querySelectorAll('.space .row:not([hidden])')].map((row) => row.textContent).sort()`,
    )
    await expect.poll(async () => (await page.run<string[]>(shown)).at(-1)).toBe(`99999row 99999${HOSTILE}`)
    expect((await page.run<string[]>(shown)).length).toBeLessThan(60)
    await page.run(inside('stream-table', `root.querySelector('.view').scrollTop = 30 * 54321`))
    await expect.poll(async () => (await page.run<string[]>(shown)).join()).toContain('54321row 54321')
    expect(await page.run(inside('stream-table', `return root.querySelectorAll('*').length`))).toBeLessThan(400)
    await page.run(inside('stream-table', `element.push({ id: 100000, name: 'last' })`))
    await expect.poll(() => text(page, 'stream-table', '.new')).toBe('↓ 1 new row')
    await page.page.locator('stream-table').locator('.new').click()
    await expect.poll(async () => (await page.run<string[]>(shown)).join()).toContain('100000last')
    const name = page.page.locator('stream-table').getByRole('button', { name: /^id/ })
    await name.click()
    await name.click()
    await page.run(inside('stream-table', `root.querySelector('.view').scrollTop = 0`))
    await expect.poll(async () => (await page.run<string[]>(shown)).join()).toContain('100000last')
    expect(
      await page.run(inside('stream-table', `return root.querySelector('[aria-sort]').getAttribute('aria-sort')`)),
    ).toBe('descending')
    await done(page)
  })

  test('<stream-table> shows numbers with all their digits', async () => {
    await using page = await stage.open('<stream-table></stream-table>')
    await page.run(
      inside(
        'stream-table',
        `element.push([{ id: 20260501, lat: 59.913868, price: 1234.56, tiny: 0.000012, big: '9007199254740993' }])`,
      ),
    )
    const cells = inside(
      'stream-table',
      `return [...root.querySelectorAll('.space .row:not([hidden]) [role=cell]')].map((cell) => cell.textContent)`,
    )
    await expect
      .poll(() => page.run(cells))
      .toEqual(['20260501', '59.913868', '1234.56', '0.000012', '9007199254740993'])
    await done(page)
  })

  test('a channel is read over HTTP where the policy of the page forbids WebSockets', async () => {
    const script = scripted('/v1/channels/room')
    await using page = await stage.open('<activity-feed channel="room"></activity-feed>', {
      prepare: `const policy = document.createElement('meta')
        policy.httpEquiv = 'Content-Security-Policy'
        policy.content = 'connect-src ${stage.url}'
        document.head.append(policy)`,
    })
    const answer = await script()
    answer.chunk({ message: 'over HTTP' })
    await expect.poll(() => page.run(`return $('activity-feed').shadowRoot.textContent`)).toContain('over HTTP')
    expect(page.faults.filter((fault) => !fault.includes('/v1/ws'))).toEqual([])
  })

  test('<stream-dashboard> renders a description and shows the worst state of its streams', async () => {
    const live = scripted('/v1/stream/system/metrics')
    const activity = scripted('/v1/stream/system/activity')
    const metrics = { stream: 'system/metrics' }
    stage.raw('/dashboards/main', (request, response) => {
      expect(request.headers.authorization).toBe('Bearer secret')
      response.setHeader('Content-Type', 'application/json')
      response.end(
        JSON.stringify({
          title: HOSTILE,
          description: null,
          widgets: [
            { type: 'metric', title: 'Users', source: metrics, path: 'users', width: 1 },
            { type: 'line', title: 'Times', source: metrics, series: [{ path: 'ms.p50', label: 'p50' }], width: 3 },
            { type: 'bar', title: 'Endpoints', source: metrics, each: 'endpoints', path: 'n', width: 2 },
            { type: 'gauge', title: 'Open', source: metrics, path: 'users', max: 10, width: 1 },
            { type: 'feed', title: 'Activity', source: { stream: 'system/activity' }, width: 2 },
            { type: 'pie', title: 'Pie', source: metrics, width: 9 },
            // Settings that are none reach no element.
            {
              type: 'feed',
              title: 'Hostile',
              source: { stream: 'system/activity' },
              width: 1,
              ...Object.fromEntries(
                ['innerHTML', 'outerHTML', 'onclick', 'id', 'className'].map((name) => [name, HOSTILE]),
              ),
            },
            null,
            7,
          ],
        }),
      )
    })
    await using page = await stage.open('<stream-dashboard></stream-dashboard>')
    await page.run(`$('stream-dashboard').token = () => 'secret'; $('stream-dashboard').src = '/dashboards/main'`)
    const { chunk, cut } = await live()
    ;(await activity()).chunk({ route: 'GET /a', outcome: 'completed' })
    chunk({ users: 7, ms: { p50: 3 }, endpoints: { a: { n: 1 } } })
    const widget = (query: string, part: string): string =>
      inside(
        'stream-dashboard',
        `return root.querySelector('${query}')?.shadowRoot.querySelector('${part}')?.textContent.trim() ?? null`,
      )
    await expect.poll(() => page.run(widget('metric-card', '.value span'))).toBe('7')
    await expect.poll(() => page.run(widget('activity-feed', '.what'))).toBe('GET /a')
    await expect.poll(() => page.run(widget('live-chart', '.legend b'))).toBe('3')
    await expect.poll(() => text(page, 'stream-dashboard', '.top .pill')).toBe('live')
    expect(await text(page, 'stream-dashboard', 'h1')).toBe(HOSTILE)
    expect(
      await page.run(
        inside(
          'stream-dashboard',
          `return root.querySelectorAll('img, script, [id], .grid > div > [class]:not(.problem)').length`,
        ),
      ),
    ).toBe(0)
    expect(await text(page, 'stream-dashboard', '.problem')).toBe('This page cannot show widgets of the type "pie".')
    expect(opened.get('/v1/stream/system/metrics')).toHaveLength(1)
    cut()
    await expect.poll(() => text(page, 'stream-dashboard', '.top .pill')).toBe('reconnecting')
    // Reading goes on by itself.
    await expect.poll(() => opened.get('/v1/stream/system/metrics')?.length).toBe(2)
    ;(await live()).chunk({ users: 9 })
    await expect.poll(() => text(page, 'stream-dashboard', '.top .pill')).toBe('live')
    await done(page)
  })

  test.each(['light', 'dark'] as const)('axe finds nothing in %s', async (colorScheme) => {
    scripted('/a11y-text')
    await using page = await stage.open(
      `<stream-text markdown manual></stream-text>
      <stream-status src="/a11y-none"></stream-status><stream-progress src="/a11y-text"></stream-progress>
      <metric-card heading="Users" unit="now"></metric-card><metric-card heading="B" value="9" warn="5" fail="8"></metric-card>
      <metric-card heading="C" value="6" warn="5" fail="8"></metric-card>
      <live-chart heading="L" series="a: A, b: B"></live-chart><live-chart type="gauge" heading="G" path="a" max="9"></live-chart>
      <live-chart type="bar" heading="B" count-by="name"></live-chart>
      <activity-feed heading="Activity"></activity-feed>
      <stream-table heading="Rows" download></stream-table>
      <stream-dashboard></stream-dashboard>`,
      { colorScheme, reducedMotion: 'reduce' },
    )
    await page.run(`
      $('stream-text').appendText('# Head\\n\\ntext [l](https://a.example) \`c\`')
      for (let at = 0; at < 20; at++) $('metric-card').push(at + 1, at)
      for (const chart of document.querySelectorAll('live-chart'))
        for (let at = 0; at < 20; at++) chart.push({ a: at, b: 2, name: 'n' + (at % 3) }, at * 1000)
      for (const outcome of ['completed', 'failed', 'cancelled', 'running'])
        $('activity-feed').push({ route: 'GET /a', outcome, caller: 'ann', chunks: 3, duration_ms: 5 })
      $('stream-table').push([{ id: 1, name: 'a' }, { id: 2, name: 'b' }])
      const source = { stream: 'system/none' }
      $('stream-dashboard').description = { title: 'D', description: 'About', widgets: [
        { type: 'metric', title: 'M', source, path: 'a', width: 1 }, { type: 'feed', title: 'F', source, width: 2 }] }`)
    await expect.poll(() => page.run(inside('live-chart', `return root.querySelector('canvas') !== null`))).toBe(true)
    await expect.poll(() => text(page, 'stream-status', '.pill')).toBe('failed')
    expect(await violations(page)).toEqual([])
  })
})
