/**
 * Draws each element in light and dark, wide and at 360 px, into a folder: `node --conditions=streamstack-source scripts/screenshots.ts [folder] [name]`. For people
 * who change how elements look; nothing is compared.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Stage, type StagePage, elementsStage } from '@streamstack/test-support/elements-stage'

const folder = process.argv[2] ?? 'screenshots'
const only = process.argv[3] ?? ''

interface Scene {
  readonly body: string
  /** Width in pixels where it is not 360. */
  readonly width: number
  readonly height: number
  readonly css?: string
  /** Runs in the page when the elements are there. */
  readonly act?: string
  readonly html?: string
}

/** Numbers that look like those of a server, and are the same in every picture. */
const DATA = `
let seed = 7
const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647
const wave = (index, base, swing) => base + Math.sin(index / 9) * swing + Math.sin(index / 3.1) * swing * 0.35 + random() * swing * 0.3
const now = Date.now()
const sample = (index) => ({
  time: new Date(now - (360 - index) * 10000).toISOString(),
  active_users: Math.round(wave(index, 1200, 60) + (index > 300 ? 50 : 0)),
  requests: { last_minute: Math.round(wave(index, 3100, 260) + (index > 290 ? 300 : 0)) },
  response_ms: { p50: wave(index, 21, 5), p95: wave(index + 4, 41, 9) + (index > 300 ? 14 : 0) },
  error_rate: 0.0012,
  active_streams: 1361,
  endpoints: { 'stream-chat': { requests: 1840 }, flights: { requests: 1210 }, dashboard: { requests: 903 }, poem: { requests: 388 }, 'orders-report': { requests: 120 } },
})
const activity = [
  { time: new Date(now - 2000).toISOString(), route: 'POST /api/stream-chat', outcome: 'completed', caller: 'ada', chunks: 13, duration_ms: 1204 },
  { time: new Date(now - 14000).toISOString(), route: 'GET /api/orders-export', outcome: 'failed', caller: 'eve', chunks: 40, duration_ms: 610, error: 'upstream_failed' },
  { time: new Date(now - 61000).toISOString(), route: 'GET /api/flights', outcome: 'completed', caller: 'ops', chunks: 812, duration_ms: 9100 },
  { time: new Date(now - 190000).toISOString(), route: 'POST /api/ai-chat', outcome: 'cancelled', caller: 'bob', chunks: 21, duration_ms: 2100 },
  { time: new Date(now - 800000).toISOString(), route: 'GET /api/poem', outcome: 'refused', caller: null, chunks: 0, duration_ms: 1, error: 'forbidden' },
]
const feed = (query, values) => { for (const element of document.querySelectorAll(query)) for (const value of values) element.push(value, value.time ? Date.parse(value.time) : Date.now()) }
const samples = Array.from({ length: 361 }, (_none, index) => sample(index))
`

const DASHBOARD = {
  title: 'Dashboard',
  description: 'Reconnects by itself and continues from the last offset',
  widgets: [
    {
      type: 'metric',
      title: 'Active users',
      source: {},
      path: 'active_users',
      unit: 'last minute',
      better: 'higher',
      width: 1,
    },
    {
      type: 'metric',
      title: 'API requests',
      source: {},
      path: 'requests.last_minute',
      unit: 'a minute',
      better: 'higher',
      width: 1,
    },
    {
      type: 'metric',
      title: 'Response time',
      source: {},
      path: 'response_ms.p95',
      unit: 'ms p95',
      better: 'lower',
      width: 1,
      digits: 0,
    },
    {
      type: 'metric',
      title: 'Error rate',
      source: {},
      path: 'error_rate',
      unit: '%',
      scale: 100,
      better: 'lower',
      warn: 1,
      fail: 5,
      width: 1,
    },
    {
      type: 'line',
      title: 'Response time, p50 and p95',
      source: {},
      series: [
        { path: 'response_ms.p95', label: 'p95' },
        { path: 'response_ms.p50', label: 'p50' },
      ],
      unit: 'ms',
      span: 3600,
      width: 3,
    },
    {
      type: 'gauge',
      title: 'Open streams',
      source: {},
      path: 'active_streams',
      max: 2000,
      warn: 1600,
      fail: 1900,
      note: 'of 2,000',
      width: 1,
    },
    { type: 'bar', title: 'Calls by endpoint', source: {}, each: 'endpoints', path: 'requests', width: 2 },
    { type: 'feed', title: 'Activity', source: {}, width: 2 },
  ],
}

const ANSWER =
  '**nginx buffers answers by default.** Your server sends each chunk at once; nginx collects them until a buffer is full.\n\nTurn it off for this location:\n\n```nginx\nlocation /api/ {\n  proxy_pass http://127.0.0.1:8080;\n  proxy_buffering off;\n  proxy_read_timeout 1h;\n}\n```\n\nThen check with `streamstack doctor`: it compares arrival times'

const scenes: Readonly<Record<string, Scene>> = {
  chat: {
    width: 520,
    height: 700,
    body: '<stream-chat src="/api/chat"></stream-chat>',
    css: 'stream-chat { block-size: calc(100vh - 48px) }',
    act: `$('stream-chat').send('Why do my streams stop behind nginx?')`,
  },
  'chat-complete': {
    width: 1000,
    height: 760,
    body: '<stream-chat src="/api/whole" conversations attachments></stream-chat>',
    css: 'stream-chat { block-size: calc(100vh - 48px) }',
    act: `$('stream-chat').send('Why do my streams stop behind nginx?'); setTimeout(() => $('stream-chat').refresh({ isListOpen: innerWidth > 600 }), 700)`,
  },
  'chat-empty': {
    width: 520,
    height: 560,
    body: '<stream-chat src="/api/chat" heading="Support" suggestions="What is a stream?|Why do streams stop behind nginx?|Show me an endpoint"></stream-chat>',
    css: 'stream-chat { block-size: calc(100vh - 48px) }',
  },
  'chat-failed': {
    width: 520,
    height: 420,
    body: '<stream-chat src="/api/fails"></stream-chat>',
    css: 'stream-chat { block-size: calc(100vh - 48px) }',
    act: `$('stream-chat').send('Write me a report on the last quarter.')`,
  },
  'chat-rtl': {
    width: 520,
    height: 560,
    html: 'dir="rtl" lang="ar"',
    body: '<stream-chat src="/api/arabic" heading="المساعد"></stream-chat>',
    css: 'stream-chat { block-size: calc(100vh - 48px) }',
    act: `$('stream-chat').send('لماذا تتوقف التدفقات خلف الوكيل؟')`,
  },
  text: { width: 640, height: 330, body: '<stream-text src="/api/text" markdown></stream-text>' },
  progress: {
    width: 640,
    height: 250,
    body: '<stream-status for="t"></stream-status><p></p><stream-progress for="t"></stream-progress><p></p><stream-progress src="/api/unknown"></stream-progress><p></p><stream-progress src="/api/short"></stream-progress><stream-text id="t" src="/api/half" hidden></stream-text>',
  },
  status: {
    width: 640,
    height: 210,
    body: ['/api/half', '/api/short', '/api/fails', '/nowhere', '/api/breaks']
      .map((src) => `<p><stream-status src="${src}"></stream-status></p>`)
      .join(''),
  },
  cards: {
    width: 1000,
    height: 210,
    body: '<metric-card heading="Active users" path="active_users" unit="last minute" better="higher" span="3600"></metric-card><metric-card heading="Response time" path="response_ms.p95" unit="ms p95" better="lower" span="3600"></metric-card><metric-card heading="Error rate" value="6.4" unit="%" warn="1" fail="5"></metric-card><metric-card heading="Queue" unit="jobs" class="none"></metric-card>',
    css: 'main { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 16px }',
    act: `${DATA} feed('metric-card:not([value], .none)', samples)`,
  },
  charts: {
    width: 1200,
    height: 320,
    body: '<live-chart heading="Response time" series="response_ms.p95: p95, response_ms.p50: p50" unit="ms" span="3600"></live-chart><live-chart type="bar" heading="Calls by endpoint" each="endpoints" path="requests"></live-chart><live-chart type="gauge" heading="Open streams" path="active_streams" max="2000" warn="1200" note="of 2,000"></live-chart>',
    css: 'main { display: grid; grid-template-columns: 2fr 1.2fr 1fr; gap: 16px } live-chart { min-block-size: 240px } @media (max-width: 600px) { main { grid-template-columns: minmax(0, 1fr) } }',
    act: `${DATA} feed('live-chart', samples)`,
  },
  feed: {
    width: 640,
    height: 330,
    body: '<activity-feed heading="Activity"></activity-feed>',
    act: `${DATA} feed('activity-feed', activity.toReversed())`,
  },
  table: {
    width: 900,
    height: 480,
    body: '<stream-table heading="Flights" src="/api/rows" download></stream-table>',
  },
  dashboard: {
    width: 1220,
    height: 900,
    body: '<stream-dashboard></stream-dashboard>',
    act: `${DATA} $('stream-dashboard').description = ${JSON.stringify(DASHBOARD)}
      await $('stream-dashboard').updateComplete
      const inside = $('stream-dashboard').shadowRoot
      for (const element of inside.querySelectorAll('metric-card, live-chart')) { element.span = 3600; await element.updateComplete; for (const value of samples) element.push(value, Date.parse(value.time)) }
      for (const value of activity.toReversed()) inside.querySelector('activity-feed').push(value, Date.parse(value.time))`,
  },
}

function answers(stage: Stage): void {
  const words = (text: string): string[] => text.match(/\s*\S+/g) ?? []
  stage.answer('/api/chat', (script) => {
    script.chunk('The chunks arrive together, so something between collects them.', null, 'reasoning')
    for (const [index, word] of words(ANSWER).entries()) script.chunk(word, { progress_percentage: (index / 92) * 100 })
  })
  stage.answer('/api/whole', (script) => {
    script.chunk('The chunks arrive together, so something between collects them.', null, 'reasoning')
    script.chunk({ id: '1', name: 'search_docs', arguments: { query: 'nginx buffering' } }, null, 'tool_call')
    script.chunk({ id: '1', output: { hits: 3 } }, null, 'tool_result')
    for (const word of words(
      `${ANSWER}.\n\n| header | value |\n|---|---|\n| X-Accel-Buffering | no |\n| Cache-Control | no-cache |\n\n1. Reload nginx.\n2. Call the endpoint again.\n`,
    ))
      script.chunk(word)
    script.chunk(
      { url: 'https://nginx.org/en/docs/http/ngx_http_proxy_module.html', title: 'nginx: proxy_buffering' },
      null,
      'source',
    )
    script.end()
  })
  stage.answer('/api/fails', (script) => {
    script.chunk('The quarter began with ')
    script.end('failed', {
      code: 'upstream_failed',
      message: 'The model stopped answering after 12 s.',
      recoverable: true,
      retry_after: null,
    })
  })
  stage.answer('/api/arabic', (script) => {
    for (const word of words(
      'يجمع الوكيل الأجزاء حتى يمتلئ **المخزن المؤقت**.\n\n1. أوقف التخزين المؤقت.\n2. أعد المحاولة.\n\n```nginx\nproxy_buffering off;\n```\n',
    ))
      script.chunk(word)
  })
  stage.answer('/api/text', (script) => {
    for (const word of words(
      `## Release notes\n\n- Streams **resume** after any disconnect.\n- Endings are honest: \`completed\`, \`failed\`, \`cancelled\` or \`abandoned\`.\n\n> A provider that dies never looks like a finished answer.\n\nThe rest follows as it is`,
    ))
      script.chunk(word)
  })
  stage.answer('/api/half', (script) => {
    for (let index = 0; index < 62; index++) script.chunk('x'.repeat(60), { progress_percentage: index + 1 })
  })
  stage.answer('/api/unknown', (script) => {
    for (let index = 0; index < 812; index++) script.chunk('x'.repeat(200))
  })
  stage.answer('/api/short', (script) => {
    for (let index = 0; index < 40; index++) script.chunk('x'.repeat(200), { progress_percentage: (index + 1) * 2.5 })
    script.end()
  })
  stage.raw('/api/breaks', (_request, response) => response.destroy())
  stage.answer('/api/rows', (script) => {
    const rows = Array.from({ length: 2_400 }, (_none, index) => ({
      id: index + 1,
      date: `2026-0${1 + (index % 9)}-1${index % 10}`,
      origin: ['ABQ', 'JFK', 'LAX', 'ORD', 'SFO', 'DFW'][index % 6],
      destination: ['SAT', 'BOS', 'SEA', 'DEN', 'MIA'][index % 5],
      distance: 200 + ((index * 37) % 2_600),
      delay: ((index * 13) % 90) - 14,
    }))
    for (let from = 0; from < rows.length; from += 100) script.chunk(rows.slice(from, from + 100))
  })
}

async function draw(stage: Stage, name: string, scene: Scene): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [scene.width, 360]) {
      const { body, css = '', html = '', act = '', height } = scene
      await using opened: StagePage = await stage.open(body, {
        css: `${css}\n@media (max-width: 400px) { main { padding: 12px } }`,
        html,
        colorScheme,
        viewport: { width, height },
        deviceScaleFactor: 1,
      })
      await opened.page.waitForTimeout(120)
      if (act !== '') await opened.run(act)
      await opened.page.waitForTimeout(1_200)
      await opened.page.screenshot({
        path: join(folder, `${name}-${width}-${colorScheme}.png`),
        fullPage: name === 'dashboard' || width === 360,
      })
      const violated = await opened.run<string[]>('return faults')
      if (violated.length > 0) console.error(name, violated)
    }
  }
}

await mkdir(folder, { recursive: true })
await using stage = await elementsStage()
answers(stage)
for (const [name, scene] of Object.entries(scenes)) if (name.startsWith(only)) await draw(stage, name, scene)
console.log(`screenshots: ${folder}`)
