import type { DashboardWidget } from '@streamstack/protocol'
import { type TreeNode, quote } from '../definition/index.ts'
import { didYouMean, didYouMeanOr, suggest } from '../text/did-you-mean.ts'
import { ALIASES, COMPONENTS, type ComponentName, LIBRARIES, LOGIC_KEYS } from './component-words.ts'
import { readCharts } from './read-charts.ts'
import { readMetricCards } from './read-metric-cards.ts'
import { ACTIVITY_SOURCE, METRICS_SOURCE } from './source.ts'
import { WidgetFields } from './widget-fields.ts'

/** Reads the components of a dashboard into widgets; every fault becomes an issue with a cure. */
export class DashboardReader extends WidgetFields {
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
      this.source(entries.get('data_source')?.node ?? entries.get('source')?.node) ??
      (isFeed ? ACTIVITY_SOURCE : METRICS_SOURCE)
    const title = this.text(entries.get('title')?.node)
    switch (name) {
      case 'metric cards':
        return readMetricCards(this, entries.get('metrics')?.node, source, node.position)
      case 'live charts':
        this.#library(entries.get('library')?.node)
        return readCharts(this, entries.get('chart_types')?.node ?? entries.get('charts')?.node, source, node.position)
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
