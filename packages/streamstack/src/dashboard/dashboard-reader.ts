import type { DashboardWidget, MetricWidget, WidgetSource } from '@streamstack/protocol'
import { type Position, type TreeEntry, type TreeNode, quote } from '../definition/index.ts'
import { didYouMean, didYouMeanOr, suggest } from '../text/did-you-mean.ts'
import {
  ALIASES,
  CHART_KEYS,
  COMPONENTS,
  type ComponentName,
  LIBRARIES,
  LOGIC_KEYS,
  METRIC_KEYS,
  SOURCE_KEYS,
} from './component-words.ts'
import { FieldReader } from './field-reader.ts'
import {
  ACTIVITY_SOURCE,
  type KnownSources,
  METRICS_SOURCE,
  channelSource,
  endpointSource,
  sourceOfText,
} from './source.ts'
import { CHARTS, type ChartWords, type KnownMetric, chartOfWords, metricOfWords } from './vocabulary.ts'

/** Reads the components of a dashboard into widgets; every fault becomes an issue with a cure. */
export class DashboardReader extends FieldReader {
  readonly #known: KnownSources

  constructor(known: KnownSources) {
    super()
    this.#known = known
  }

  components(node: TreeNode): DashboardWidget[] {
    if (node.items === undefined) {
      this.error(node.position, `\`components\` must be a list of components; it is ${quote(node.value)}.`)
      return []
    }
    return node.items.flatMap((item) => this.#component(item))
  }

  #component(node: TreeNode): DashboardWidget[] {
    const named = node.entries?.find(({ key }) => key === 'component')
    const text = named?.node.value
    if (typeof text !== 'string') {
      this.error(node.position, 'A component must be an object with `component`, such as { component: Metric Cards }.')
      return []
    }
    const plain = text.toLowerCase().trim()
    const name = Object.hasOwn(COMPONENTS, plain) ? (plain as ComponentName) : ALIASES[plain]
    if (name === undefined) {
      const near = didYouMean(plain, [...Object.keys(COMPONENTS), ...Object.keys(ALIASES)])
      const cure = didYouMeanOr(near, `Known are ${Object.keys(COMPONENTS).join(', ')}.`)
      this.error(named?.node.position ?? node.position, `The component "${text}" is not known. ${cure}`)
      return []
    }
    const entries = this.entries(node, `A component`, ['component', ...COMPONENTS[name]])
    if (entries === null) return []
    this.#frequency(entries.get('update_frequency')?.node)
    const isFeed = name === 'activity feed'
    const source =
      this.#source(entries.get('data_source')?.node ?? entries.get('source')?.node) ??
      (isFeed ? ACTIVITY_SOURCE : METRICS_SOURCE)
    const title = this.text(entries.get('title')?.node)
    switch (name) {
      case 'metric cards':
        return this.#cards(entries.get('metrics')?.node, source, node.position)
      case 'live charts':
        this.#library(entries.get('library')?.node)
        return this.#charts(entries.get('chart_types')?.node ?? entries.get('charts')?.node, source, node.position)
      case 'activity feed':
        return [{ type: 'feed', title: title ?? 'Activity', source, width: 2 }]
      case 'data table': {
        const path = this.text(entries.get('path')?.node)
        const columns = this.names(entries.get('columns')?.node)
        return [
          {
            type: 'table',
            title: title ?? 'Records',
            source,
            width: 4,
            ...(path === null ? {} : { path }),
            ...(columns.length === 0 ? {} : { columns: columns.map((column) => ({ path: column })) }),
          },
        ]
      }
    }
  }

  #cards(node: TreeNode | undefined, source: WidgetSource, position: Position): DashboardWidget[] {
    if (node?.items === undefined || node.items.length === 0) {
      this.error(
        node?.position ?? position,
        '`metrics` must be a list of metrics, such as [Active users, Error rates].',
      )
      return []
    }
    return node.items.flatMap((item) => this.#card(item, source))
  }

  #card(node: TreeNode, source: WidgetSource): MetricWidget[] {
    if (typeof node.value === 'string') {
      const found = this.#metric(node.value, node.position, source)
      return found === null ? [] : [{ type: 'metric', title: node.value, source, width: 1, ...found }]
    }
    const entries = this.entries(node, 'A metric', METRIC_KEYS)
    if (entries === null) return []
    const words = this.text(entries.get('metric')?.node)
    const path = this.text(entries.get('path')?.node)
    const own = this.#source(entries.get('source')?.node) ?? source
    const found = words === null || path !== null ? null : this.#metric(words, node.position, own)
    if (found === null && path === null) {
      if (words === null)
        this.error(node.position, 'A metric must have `metric`, words such as "Active users", or `path`.')
      return []
    }
    const better = this.text(entries.get('better')?.node)
    if (better !== null && better !== 'higher' && better !== 'lower')
      this.error(node.position, `\`better\` must be higher or lower; it is ${quote(better)}.`)
    const title = this.text(entries.get('title')?.node) ?? words ?? path ?? ''
    return [
      {
        type: 'metric',
        title,
        source: own,
        width: this.width(entries.get('width')?.node, 1),
        ...(found ?? { path: path ?? '' }),
        ...(better === 'higher' || better === 'lower' ? { better } : {}),
        ...this.numbers(entries, ['scale', 'digits', 'warn', 'fail']),
        ...this.texts(entries, ['unit']),
      },
    ]
  }

  /** A number by its words. What is read from elsewhere than `system/metrics` is a member with the words' name. */
  #metric(words: string, position: Position, { stream }: WidgetSource): KnownMetric['widget'] | null {
    if (stream !== 'system/metrics') return { path: memberOf(words) }
    const known = metricOfWords(words)
    if (!('problem' in known)) return known.widget
    this.error(position, known.problem)
    return null
  }

  #charts(node: TreeNode | undefined, source: WidgetSource, position: Position): DashboardWidget[] {
    if (node?.items === undefined || node.items.length === 0) {
      this.error(
        node?.position ?? position,
        '`chart_types` must be a list of charts, such as [Line charts for trends].',
      )
      return []
    }
    return node.items.flatMap((item) => this.#chart(item, source))
  }

  #chart(node: TreeNode, source: WidgetSource): DashboardWidget[] {
    const entries =
      typeof node.value === 'string' ? new Map<string, TreeEntry>() : this.entries(node, 'A chart', CHART_KEYS)
    if (entries === null) return []
    const words = typeof node.value === 'string' ? node.value : this.text(entries.get('chart')?.node)
    if (words === null) {
      this.error(node.position, 'A chart must have `chart`: line, bar or gauge.')
      return []
    }
    const chart = chartOfWords(words)
    if ('problem' in chart) {
      this.error(entries.get('chart')?.node.position ?? node.position, chart.problem)
      return []
    }
    const own = this.#source(entries.get('source')?.node) ?? source
    const named = this.text(entries.get('metric')?.node)
    const widget = named === null ? chart.metric?.widget : this.#metric(named, node.position, own)
    if (widget === null) return []
    const path = this.text(entries.get('path')?.node)
    const each = this.text(entries.get('each')?.node)
    const series = this.#series(entries.get('series')?.node)
    const countBy = this.text(entries.get('count_by')?.node)
    const isOwn = path !== null || series.length > 0 || countBy !== null || each !== null
    if (own.stream !== 'system/metrics' && !isOwn && widget === undefined) {
      this.error(
        node.position,
        `A ${chart.type} chart of this source must say what it shows, with \`path\`, \`series\`, \`each\` or \`count_by\`.`,
      )
      return []
    }
    return [this.#widget(chart, { entries, source: own, widget, path, each, series, countBy, named })]
  }

  #widget(
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
    const told = this.text(entries.get('title')?.node)
    const title = told ?? (isDefault ? base.title : metricWords === null ? sentence(type) : sentence(metricWords))
    const more = {
      ...this.numbers(entries, ['scale', 'span', 'min', 'max', 'warn', 'fail']),
      ...this.texts(entries, ['unit', 'note']),
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
        width: this.width(entries.get('width')?.node, 3),
      }
    }
    if (type === 'gauge') {
      const one = path ?? widget?.path ?? CHARTS.gauge.path
      return { ...plain, ...more, type, title, source, path: one, width: this.width(entries.get('width')?.node, 1) }
    }
    const width = this.width(entries.get('width')?.node, 2)
    if (countBy !== null) return { ...more, type, title, source, countBy, width }
    if (isDefault) return { ...CHARTS.bar, ...more, type, title, source, width }
    if (each !== null) {
      const label = this.text(entries.get('label')?.node)
      return { ...more, type, title, source, each, path: path ?? '', ...(label === null ? {} : { label }), width }
    }
    // A metric by endpoint, where endpoints have it.
    return { ...plain, ...more, type, title, source, each: 'endpoints', path: path ?? widget?.path ?? '', width }
  }

  #series(node: TreeNode | undefined): { path: string; label: string }[] {
    if (node === undefined) return []
    if (node.items === undefined) {
      this.error(node.position, '`series` must be a list of paths, or of { path, label }.')
      return []
    }
    return node.items.flatMap((item) => {
      if (typeof item.value === 'string') return [{ path: item.value, label: item.value }]
      const entries = this.entries(item, 'A line', ['path', 'label'])
      const path = this.text(entries?.get('path')?.node)
      if (entries !== null && path === null) this.error(item.position, 'A line must have `path`.')
      return path === null ? [] : [{ path, label: this.text(entries?.get('label')?.node) ?? path }]
    })
  }

  #source(node: TreeNode | undefined): WidgetSource | null {
    if (node === undefined) return null
    if (typeof node.value === 'string') return this.#checked(sourceOfText(node.value, this.#known), node.position)
    const entries = this.entries(node, 'A source', SOURCE_KEYS)
    if (entries === null) return null
    const texts = this.texts(entries, ['stream', 'channel', 'endpoint', 'history'])
    const named = ['stream', 'channel', 'endpoint'].filter((key) => Object.hasOwn(texts, key))
    if (named.length !== 1) {
      this.error(node.position, 'A source must have exactly one of `stream`, `channel` and `endpoint`.')
      return null
    }
    const found =
      texts['channel'] !== undefined
        ? channelSource(texts['channel'], this.#known)
        : texts['endpoint'] !== undefined
          ? endpointSource(texts['endpoint'], this.#known)
          : sourceOfText(texts['stream'] ?? '', this.#known)
    const source = this.#checked(found, node.position)
    const inputs = entries.get('inputs')?.node.value
    if (source === null) return null
    const given =
      inputs !== null && typeof inputs === 'object' && !Array.isArray(inputs)
        ? { inputs: inputs as Record<string, unknown> }
        : {}
    return { ...source, ...given, ...(texts['history'] === undefined ? {} : { history: texts['history'] }) }
  }

  #checked(found: WidgetSource | { readonly problem: string }, position: Position): WidgetSource | null {
    if (!('problem' in found)) return found
    this.error(position, found.problem)
    return null
  }

  /** Streams are always live: other words would promise what nothing keeps. */
  #frequency(node: TreeNode | undefined): void {
    if (node === undefined || (typeof node.value === 'string' && /real.?time|stream|live|continuous/i.test(node.value)))
      return
    this.warning(
      node.position,
      'Dashboards are always live. Write "Real-time via streaming", or leave `update_frequency` out.',
    )
  }

  #library(node: TreeNode | undefined): void {
    if (node === undefined) return
    const text = typeof node.value === 'string' ? node.value : ''
    const word = text.toLowerCase().split(/\s+/)[0] ?? ''
    if (LIBRARIES.includes(word)) return
    const near = didYouMean(word, LIBRARIES)
    this.warning(
      node.position,
      `Charts are drawn by <live-chart>, whatever \`library\` says.${near === null ? '' : ` ${suggest(near)}`}`,
    )
  }

  /** `streaming_logic`: what the page does in any case, in the words of the specification. */
  logic(node: TreeNode): void {
    const entries = this.entries(node, '`streaming_logic`', LOGIC_KEYS)
    const recovery = entries?.get('error_recovery')?.node
    if (
      recovery !== undefined &&
      !(typeof recovery.value === 'string' && /reconnect|resume|retry/i.test(recovery.value))
    )
      this.warning(
        recovery.position,
        'Dashboards always reconnect. Write "Automatic reconnection on connection loss", or leave `error_recovery` out.',
      )
  }
}

/** `Active users` → `active_users`; what is a path already stays. */
function memberOf(words: string): string {
  return /^[\w.]+$/.test(words)
    ? words
    : words
        .toLowerCase()
        .trim()
        .replace(/[^\p{L}\p{N}]+/gu, '_')
        .replace(/^_|_$/g, '')
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}
