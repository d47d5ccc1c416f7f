import { define } from './base/define.ts'
import { MetricCard } from './card/metric-card.ts'

define('metric-card', MetricCard)
export { MetricCard }
