import { define } from './base/define.ts'
import { StreamProgress } from './progress/stream-progress.ts'

define('stream-progress', StreamProgress)
export { StreamProgress }
