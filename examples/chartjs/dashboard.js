// Shows: the dashboard of dashboards/live.json with Chart.js 4 and @robloche/chartjs-plugin-streaming in the place of <live-chart>. The client reads the streams,
// reconnects and continues after the last chunk; Chart.js draws. Bundle it with Vite, esbuild or rolldown:
//   npm install chart.js @robloche/chartjs-plugin-streaming @streamstack/client
import {
  ArcElement,
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  DoughnutController,
  Legend,
  LineController,
  LineElement,
  LinearScale,
  PointElement,
  Tooltip,
  _adapters,
} from 'chart.js'
import { RealTimeScale, StreamingPlugin } from '@robloche/chartjs-plugin-streaming'
import { createClient } from '@streamstack/client'

Chart.register(ArcElement, BarController, BarElement, CategoryScale, DoughnutController, Legend, LineController)
Chart.register(LineElement, LinearScale, PointElement, Tooltip, RealTimeScale, StreamingPlugin)

// Chart.js leaves dates to an adapter. Milliseconds and the browser's own formats suffice here; chartjs-adapter-date-fns does more.
const MS = {
  millisecond: 1,
  second: 1e3,
  minute: 6e4,
  hour: 36e5,
  day: 864e5,
  week: 6048e5,
  month: 2592e6,
  quarter: 7776e6,
  year: 31536e6,
}
_adapters._date.override({
  formats: () => Object.fromEntries(['datetime', ...Object.keys(MS)].map((unit) => [unit, unit])),
  parse: (value) => (value === null || value === undefined ? null : Number(new Date(value))),
  format: (time) => new Date(time).toLocaleTimeString(),
  add: (time, amount, unit) => time + amount * MS[unit],
  diff: (later, earlier, unit) => Math.floor((later - earlier) / MS[unit]),
  startOf: (time, unit) => Math.floor(time / (MS[unit] ?? 1)) * (MS[unit] ?? 1),
  endOf: (time, unit) => Math.ceil(time / (MS[unit] ?? 1)) * (MS[unit] ?? 1) - 1,
})

/**
 * Shows the dashboard in an element. `server`: where Streamstack is; '' for the page's own. `token`: text, or a function that returns one; it needs the scope
 * system:read. Returns what ends it.
 */
export function showDashboard(root, { server = '', token } = {}) {
  const client = createClient({ url: server, token })
  const cards = Object.fromEntries(
    ['Active users', 'Requests a minute', 'Response time', 'Error rate'].map((name) => [name, addCard(root, name)]),
  )
  const line = new Chart(addCanvas(root, 'First chunk, p50 and p95'), {
    type: 'line',
    data: { datasets: ['p95', 'p50'].map((label) => ({ label, data: [], pointRadius: 0, borderWidth: 2 })) },
    options: {
      animation: false,
      scales: { x: { type: 'realtime', realtime: { duration: 60_000, delay: 1_500, frameRate: 10 } } },
    },
  })
  const bars = new Chart(addCanvas(root, 'Requests by endpoint'), {
    type: 'bar',
    data: { labels: [], datasets: [{ label: 'last minute', data: [] }] },
    options: { animation: false, indexAxis: 'y', plugins: { legend: { display: false }, streaming: false } },
  })
  const gauge = new Chart(addCanvas(root, 'Open streams'), {
    type: 'doughnut',
    data: { labels: ['open', 'free'], datasets: [{ data: [0, 10] }] },
    options: { animation: false, rotation: -90, circumference: 180, plugins: { streaming: false } },
  })
  const feed = root.appendChild(document.createElement('ul'))

  const metrics = client.read('/v1/stream/system/metrics')
  metrics.on('chunk', ({ content }) => {
    const { active_users, requests, first_chunk_ms, error_rate, endpoints, active_streams } = content
    const x = Date.parse(content.time)
    cards['Active users'].textContent = active_users
    cards['Requests a minute'].textContent = requests.last_minute
    cards['Response time'].textContent = first_chunk_ms.p95 === null ? '–' : `${first_chunk_ms.p95.toFixed(0)} ms p95`
    cards['Error rate'].textContent = error_rate === null ? '–' : `${(error_rate * 100).toFixed(2)} %`
    line.data.datasets[0].data.push({ x, y: first_chunk_ms.p95 })
    line.data.datasets[1].data.push({ x, y: first_chunk_ms.p50 })
    line.update('quiet')
    bars.data.labels = Object.keys(endpoints)
    bars.data.datasets[0].data = Object.values(endpoints).map((endpoint) => endpoint.requests.last_minute)
    bars.update('none')
    gauge.data.datasets[0].data = [active_streams, Math.max(10, active_streams) - active_streams]
    gauge.update('none')
  })
  const activity = client.read('/v1/stream/system/activity')
  activity.on('chunk', ({ content }) => {
    const entry = document.createElement('li')
    // Text, never markup: a route may hold anything.
    entry.textContent = `${content.outcome} · ${content.route} · ${content.chunks} chunks`
    feed.prepend(entry)
    while (feed.children.length > 50) feed.lastChild.remove()
  })
  return () => {
    for (const stream of [metrics, activity]) stream.leave()
    for (const chart of [line, bars, gauge]) chart.destroy()
    client.close()
  }
}

function addCard(root, name) {
  const card = root.appendChild(document.createElement('p'))
  card.append(`${name}: `)
  const value = card.appendChild(document.createElement('strong'))
  value.textContent = '–'
  return value
}

function addCanvas(root, name) {
  const figure = root.appendChild(document.createElement('figure'))
  const caption = figure.appendChild(document.createElement('figcaption'))
  caption.textContent = name
  const canvas = figure.appendChild(document.createElement('canvas'))
  canvas.setAttribute('role', 'img')
  canvas.setAttribute('aria-label', name)
  return canvas
}
