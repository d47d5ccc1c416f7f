import { define } from './base/define.ts'
import { StreamDashboard } from './dashboard/stream-dashboard.ts'

define('stream-dashboard', StreamDashboard)
import './activity-feed.ts'
import './live-chart.ts'
import './metric-card.ts'
import './stream-table.ts'
export { StreamDashboard }
