import { define } from './base/define.ts'
import { StreamText } from './text/stream-text.ts'

define('stream-text', StreamText)
export { StreamText }
