import { define } from './base/define.ts'
import { LiveChart } from './chart/live-chart.ts'

define('live-chart', LiveChart)
export { LiveChart }
