import type { StreamDashboard } from '@streamstack/elements/stream-dashboard.js'

type Dashboard = NonNullable<StreamDashboard['description']>

const METRICS = { stream: 'system/metrics', history: 'system/history' }
const FEED = { stream: 'system/activity' }

/** What the server tells of itself. */
export const serverDashboard: Dashboard = {
  title: 'Dashboard',
  description: 'system/metrics and system/activity · reconnects by itself and continues from the last offset',
  widgets: [
    { type: 'metric', title: 'Active users', source: METRICS, path: 'active_users', unit: 'last minute', width: 1 },
    { type: 'metric', title: 'Requests', source: METRICS, path: 'requests.last_minute', unit: 'a minute', width: 1 },
    {
      type: 'metric',
      title: 'First chunk',
      source: METRICS,
      path: 'first_chunk_ms.p95',
      unit: 'ms p95',
      better: 'lower',
      width: 1,
    },
    {
      type: 'metric',
      title: 'Error rate',
      source: METRICS,
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
      title: 'First chunk, p50 and p95',
      source: METRICS,
      series: [
        { path: 'first_chunk_ms.p50', label: 'p50' },
        { path: 'first_chunk_ms.p95', label: 'p95' },
      ],
      unit: 'ms',
      span: 3_600,
      width: 3,
    },
    { type: 'gauge', title: 'Open streams', source: METRICS, path: 'active_streams', width: 1 },
    {
      type: 'bar',
      title: 'Calls by endpoint',
      source: METRICS,
      each: 'endpoints',
      path: 'requests.last_minute',
      note: 'last minute',
      width: 2,
    },
    { type: 'feed', title: 'Activity', source: FEED, width: 2 },
  ],
}
