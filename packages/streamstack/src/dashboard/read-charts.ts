import type { DashboardWidget, WidgetSource } from '@streamstack/protocol'
import { type Position, type TreeEntry, type TreeNode } from '../definition/index.ts'
import { CHART_KEYS } from './component-words.ts'
import { CHARTS, type ChartWords, type KnownMetric, chartOfWords } from './vocabulary.ts'
import type { WidgetFields } from './widget-fields.ts'

/** Reads `chart_types`: each becomes a chart. */
export function readCharts(
  fields: WidgetFields,
  node: TreeNode | undefined,
  source: WidgetSource,
  position: Position,
): DashboardWidget[] {
  const message = '`chart_types` must be a list of charts, such as [Line charts for trends].'
  return fields.items(node, position, message).flatMap((item) => readChart(fields, item, source))
}

function readChart(fields: WidgetFields, node: TreeNode, source: WidgetSource): DashboardWidget[] {
  const entries =
    typeof node.value === 'string' ? new Map<string, TreeEntry>() : fields.entries(node, 'A chart', CHART_KEYS)
  if (entries === null) return []
  const words = typeof node.value === 'string' ? node.value : fields.text(entries.get('chart')?.node)
  if (words === null) {
    fields.error(node.position, 'A chart must have `chart`: line, bar or gauge.')
    return []
  }
  const chart = chartOfWords(words)
  if ('problem' in chart) {
    fields.error(entries.get('chart')?.node.position ?? node.position, chart.problem)
    return []
  }
  const own = fields.source(entries.get('source')?.node) ?? source
  const named = fields.text(entries.get('metric')?.node)
  const widget = named === null ? chart.metric?.widget : fields.metric(named, node.position, own)
  if (widget === null) return []
  const path = fields.text(entries.get('path')?.node)
  const each = fields.text(entries.get('each')?.node)
  const series = readSeries(fields, entries.get('series')?.node)
  const countBy = fields.text(entries.get('count_by')?.node)
  const isOwn = path !== null || series.length > 0 || countBy !== null || each !== null
  if (own.stream !== 'system/metrics' && !isOwn && widget === undefined) {
    fields.error(
      node.position,
      `A ${chart.type} chart of this source must say what it shows, with \`path\`, \`series\`, \`each\` or \`count_by\`.`,
    )
    return []
  }
  return [chartWidget(fields, chart, { entries, source: own, widget, path, each, series, countBy, named })]
}

function chartWidget(
  fields: WidgetFields,
  { type, metric }: ChartWords,
  {
    entries,
    source,
    widget,
    path,
    each,
    series,
    countBy,
    named,
  }: {
    entries: ReadonlyMap<string, TreeEntry>
    source: WidgetSource
    widget: KnownMetric['widget'] | undefined
    path: string | null
    each: string | null
    series: readonly { path: string; label: string }[]
    countBy: string | null
    named: string | null
  },
): DashboardWidget {
  const metricWords = named ?? metric?.words[0] ?? null
  const isDefault = path === null && series.length === 0 && countBy === null && each === null && widget === undefined
  const base = CHARTS[type]
  const told = fields.text(entries.get('title')?.node)
  const title = told ?? (isDefault ? base.title : metricWords === null ? sentence(type) : sentence(metricWords))
  const more = {
    ...fields.numbers(entries, ['scale', 'span', 'min', 'max', 'warn', 'fail']),
    ...fields.texts(entries, ['unit', 'note']),
  }
  const format =
    widget === undefined ? {} : { unit: widget.unit, scale: widget.scale, warn: widget.warn, fail: widget.fail }
  const plain = Object.fromEntries(Object.entries(format).filter(([, value]) => value !== undefined))
  if (type === 'line') {
    const one = path ?? widget?.path
    const lines = series.length > 0 ? series : one === undefined ? CHARTS.line.series : [{ path: one, label: title }]
    const shown = isDefault ? CHARTS.line : { ...plain, span: source.history === undefined ? 300 : 3_600 }
    return {
      ...shown,
      ...more,
      type,
      title,
      source,
      series: lines,
      width: fields.width(entries.get('width')?.node, 3),
    }
  }
  if (type === 'gauge') {
    const one = path ?? widget?.path ?? CHARTS.gauge.path
    return { ...plain, ...more, type, title, source, path: one, width: fields.width(entries.get('width')?.node, 1) }
  }
  const width = fields.width(entries.get('width')?.node, 2)
  if (countBy !== null) return { ...more, type, title, source, countBy, width }
  if (isDefault) return { ...CHARTS.bar, ...more, type, title, source, width }
  if (each !== null) {
    const label = fields.text(entries.get('label')?.node)
    return { ...more, type, title, source, each, path: path ?? '', ...(label === null ? {} : { label }), width }
  }
  // A metric by endpoint, where endpoints have it.
  return { ...plain, ...more, type, title, source, each: 'endpoints', path: path ?? widget?.path ?? '', width }
}

function readSeries(fields: WidgetFields, node: TreeNode | undefined): { path: string; label: string }[] {
  if (node === undefined) return []
  if (node.items === undefined) {
    fields.error(node.position, '`series` must be a list of paths, or of { path, label }.')
    return []
  }
  return node.items.flatMap((item) => {
    if (typeof item.value === 'string') return [{ path: item.value, label: item.value }]
    const entries = fields.entries(item, 'A line', ['path', 'label'])
    const path = fields.text(entries?.get('path')?.node)
    if (entries !== null && path === null) fields.error(item.position, 'A line must have `path`.')
    return path === null ? [] : [{ path, label: fields.text(entries?.get('label')?.node) ?? path }]
  })
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}
