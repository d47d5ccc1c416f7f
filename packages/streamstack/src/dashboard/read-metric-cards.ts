import type { DashboardWidget, MetricWidget, WidgetSource } from '@streamstack/protocol'
import { type Position, type TreeNode, quote } from '../definition/index.ts'
import { METRIC_KEYS } from './component-words.ts'
import type { WidgetFields } from './widget-fields.ts'

/** Reads `metrics`: each becomes a card. */
export function readMetricCards(
  fields: WidgetFields,
  node: TreeNode | undefined,
  source: WidgetSource,
  position: Position,
): DashboardWidget[] {
  const message = '`metrics` must be a list of metrics, such as [Active users, Error rates].'
  return fields.items(node, position, message).flatMap((item) => readMetricCard(fields, item, source))
}

function readMetricCard(fields: WidgetFields, node: TreeNode, source: WidgetSource): MetricWidget[] {
  if (typeof node.value === 'string') {
    const found = fields.metric(node.value, node.position, source)
    return found === null ? [] : [{ type: 'metric', title: node.value, source, width: 1, ...found }]
  }
  const entries = fields.entries(node, 'A metric', METRIC_KEYS)
  if (entries === null) return []
  const words = fields.text(entries.get('metric')?.node)
  const path = fields.text(entries.get('path')?.node)
  const own = fields.source(entries.get('source')?.node) ?? source
  const found = words === null || path !== null ? null : fields.metric(words, node.position, own)
  if (found === null && path === null) {
    if (words === null)
      fields.error(node.position, 'A metric must have `metric`, words such as "Active users", or `path`.')
    return []
  }
  const better = fields.text(entries.get('better')?.node)
  if (better !== null && better !== 'higher' && better !== 'lower')
    fields.error(node.position, `\`better\` must be higher or lower; it is ${quote(better)}.`)
  const title = fields.text(entries.get('title')?.node) ?? words ?? path ?? ''
  return [
    {
      type: 'metric',
      title,
      source: own,
      width: fields.width(entries.get('width')?.node, 1),
      ...(found ?? { path: path ?? '' }),
      ...(better === 'higher' || better === 'lower' ? { better } : {}),
      ...fields.numbers(entries, ['scale', 'digits', 'warn', 'fail']),
      ...fields.texts(entries, ['unit']),
    },
  ]
}
