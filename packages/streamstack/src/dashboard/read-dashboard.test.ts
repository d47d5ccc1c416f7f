import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseTree } from '../definition/index.ts'
import type { KnownSources } from './source.ts'
import { readDashboard } from './read-dashboard.ts'

const known: KnownSources = {
  endpoints: ['GET /api/dashboard', 'GET /api/users/:id'],
  channels: ['rooms/{room}'],
  hasChannel: (name) => /^rooms\/\w+$/.test(name),
}

/** Reads a dashboard from YAML or JSON; the messages of its issues with their places. */
function read(text: string, file = 'dashboards/main.yaml') {
  const { tree, issues } = parseTree(file, text)
  if (tree === null) throw new Error(JSON.stringify(issues))
  const { dashboard, issues: found } = readDashboard(file, tree, known)
  return {
    widgets: dashboard?.description.widgets ?? null,
    dashboard,
    messages: found.map(
      ({ severity, message, position }) => `${position.line}:${position.column} ${severity} ${message}`,
    ),
  }
}

const METRICS = { stream: 'system/metrics', history: 'system/history' }

/** The block of the guide, as it is written there. */
const GUIDE = readFileSync(
  join(import.meta.dirname, '../../../../test/fixtures/mission/real-time-dashboard.json'),
  'utf8',
)

describe('a dashboard', () => {
  test('is made of the words of the guide', () => {
    const { dashboard, messages } = read(GUIDE, 'dashboards/live.json')
    expect(messages).toEqual([])
    expect(dashboard?.isPublic).toBe(false)
    expect(dashboard?.description).toEqual({
      title: 'Live',
      description: null,
      widgets: [
        {
          type: 'metric',
          title: 'Active users',
          source: METRICS,
          width: 1,
          path: 'active_users',
          unit: 'last minute',
          better: 'higher',
        },
        {
          type: 'metric',
          title: 'API requests per minute',
          source: METRICS,
          width: 1,
          path: 'requests.last_minute',
          unit: 'a minute',
        },
        {
          type: 'metric',
          title: 'Response times',
          source: METRICS,
          width: 1,
          path: 'first_chunk_ms.p95',
          unit: 'ms p95',
          better: 'lower',
        },
        {
          type: 'metric',
          title: 'Error rates',
          source: METRICS,
          width: 1,
          path: 'error_rate',
          unit: '%',
          scale: 100,
          better: 'lower',
          warn: 1,
          fail: 5,
        },
        {
          type: 'line',
          title: 'First chunk, p50 and p95',
          source: METRICS,
          series: [
            { path: 'first_chunk_ms.p95', label: 'p95' },
            { path: 'first_chunk_ms.p50', label: 'p50' },
          ],
          unit: 'ms',
          span: 3_600,
          width: 3,
        },
        {
          type: 'bar',
          title: 'Requests by endpoint',
          source: METRICS,
          each: 'endpoints',
          path: 'requests.last_minute',
          note: 'last minute',
          width: 2,
        },
        { type: 'gauge', title: 'Open streams', source: METRICS, path: 'active_streams', width: 1 },
        { type: 'feed', title: 'Activity', source: { stream: 'system/activity' }, width: 2 },
      ],
    })
  })

  test.each([
    ['Orders', 'orders'],
    ['Überfällig', 'überfällig'],
    ['Orders today', 'orders_today'],
    ['p95-latency (ms)', 'p95_latency_ms'],
    ['totalEur', 'totalEur'],
    ['EUR', 'EUR'],
    ['total.eur', 'total.eur'],
  ])('a metric %s of a channel is its member %s', (words, path) => {
    const { widgets } = read(
      `components: [{ component: Metric cards, source: channel rooms/sales, metrics: ['${words}'] }]`,
    )
    expect(widgets).toMatchObject([{ title: words, path }])
  })

  test('reads channels and endpoints, and numbers by their place in a chunk', () => {
    const { widgets, messages } = read(`
title: Shop
access: public
components:
  - component: Metric cards
    source: channel rooms/sales
    metrics:
      - Orders today
      - { path: total.eur, title: Turnover, unit: EUR, digits: 2, better: higher }
  - component: Live charts
    source: { endpoint: GET /api/users/7, inputs: { range: day } }
    chart_types:
      - { chart: line, series: [a, { path: b.c, label: B }], span: 60 }
      - { chart: bar, count_by: country }
  - component: Table
    source: GET /api/dashboard
    columns: [id, name]
`)
    expect(messages).toEqual([])
    const channel = { channel: 'rooms/sales' }
    const endpoint = { endpoint: 'GET /api/users/7', inputs: { range: 'day' } }
    expect(widgets).toEqual([
      { type: 'metric', title: 'Orders today', source: channel, width: 1, path: 'orders_today' },
      {
        type: 'metric',
        title: 'Turnover',
        source: channel,
        width: 1,
        path: 'total.eur',
        unit: 'EUR',
        digits: 2,
        better: 'higher',
      },
      {
        type: 'line',
        title: 'Line',
        source: endpoint,
        span: 60,
        width: 3,
        series: [
          { path: 'a', label: 'a' },
          { path: 'b.c', label: 'B' },
        ],
      },
      { type: 'bar', title: 'Bar', source: endpoint, countBy: 'country', width: 2 },
      {
        type: 'table',
        title: 'Records',
        source: { endpoint: 'GET /api/dashboard' },
        width: 4,
        columns: [{ path: 'id' }, { path: 'name' }],
      },
    ])
  })

  test('charts show a metric that their words name', () => {
    const { widgets } = read(
      'components: [{ component: Live Charts, chart_types: [Line chart of error rates, Gauge for open streams, Bar charts by response times] }]',
    )
    expect(widgets).toMatchObject([
      { type: 'line', title: 'Error rates', series: [{ path: 'error_rate' }], unit: '%', scale: 100 },
      { type: 'gauge', title: 'Active streams', path: 'active_streams' },
      { type: 'bar', title: 'Response times', each: 'endpoints', path: 'first_chunk_ms.p95' },
    ])
  })

  test.each([
    [
      'components: [{ component: Metric Crads, metrics: [Active users] }]',
      '1:27 error The component "Metric Crads" is not known. Did you mean `metric cards`?',
    ],
    [
      'components: [{ component: Metric Cards, metrics: [Active usres] }]',
      '1:51 error The metric "Active usres" is not known. Did you mean `active users`?',
    ],
    [
      'components: [{ component: Metric Cards, metrics: [Weather] }]',
      /^1:51 error The metric "Weather" is not known\. Known are active users, /,
    ],
    [
      'components: [{ component: Metric Cards, metrcs: [Active users] }]',
      '1:41 error There is no key `metrcs` here. Did you mean `metrics`?',
    ],
    [
      'components: [{ component: Live Charts, chart_types: [Lin charts for trends] }]',
      '1:54 error The chart "Lin charts for trends" is not known. Did you mean `line`?',
    ],
    [
      'components: [{ component: Live Charts, chart_types: [Line charts for trands] }]',
      '1:54 error The purpose of a chart "trands" is not known. Did you mean `trends`?',
    ],
    [
      'components: [{ component: Activity Feed, source: channel rooms }]',
      /There is no channel "rooms"\. .*rooms\/\{room\}/,
    ],
    [
      'components: [{ component: Activity Feed, source: GET /api/dashbord }]',
      '1:50 error There is no endpoint "GET /api/dashbord". Did you mean `GET /api/dashboard`?',
    ],
    [
      'components: [{ component: Activity Feed, source: system/activty }]',
      '1:50 error There is no system stream "system/activty". Did you mean `system/activity`?',
    ],
    [
      'components: [{ component: Activity Feed, source: the moon }]',
      /^1:50 error The source "the moon" is not known\. Write system\/metrics/,
    ],
    [
      'components: [{ component: Activity Feed, source: some analitics of ours }]',
      '1:50 error The source "some analitics of ours" is not known. Did you mean `analytics`?',
    ],
    ['component: []', '1:1 error There is no key `component` here. Did you mean `components`?'],
    ['components: 7', '1:13 error `components` must be a list of components; it is 7.'],
    [
      'components: []\nstreaming_logic: { error_recovry: x }',
      '2:20 error There is no key `error_recovry` here. Did you mean `error_recovery`?',
    ],
    [
      'components: []\nstreaming_logic: { error_recovery: none }',
      '2:36 warning Dashboards always reconnect. Write "Automatic reconnection on connection loss", or leave `error_recovery` out.',
    ],
    [
      'components: [{ component: Activity Feed, update_frequency: hourly }]',
      '1:60 warning Dashboards are always live. Write "Real-time via streaming", or leave `update_frequency` out.',
    ],
    [
      'components: [{ component: Metric Cards, metrics: [{ path: a, warn: high }] }]',
      '1:68 error `warn` must be a number; it is "high".',
    ],
    ['access: everyone\ncomponents: []', '1:9 error `access` must be public, or be left out; it is "everyone".'],
  ])('%s: says what is wrong and how to mend it', (text, message) => {
    const { messages, dashboard } = read(text)
    expect(messages).toContainEqual(typeof message === 'string' ? message : expect.stringMatching(message))
    expect(dashboard === null).toBe(messages.some((one) => one.includes(' error ')))
  })
})
