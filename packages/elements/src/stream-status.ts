import { define } from './base/define.ts'
import { StreamStatus } from './status/stream-status.ts'

define('stream-status', StreamStatus)
export { StreamStatus }
