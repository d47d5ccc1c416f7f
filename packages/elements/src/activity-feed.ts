import { define } from './base/define.ts'
import { ActivityFeed } from './feed/activity-feed.ts'

define('activity-feed', ActivityFeed)
export { ActivityFeed }
