import { define } from './base/define.ts'
import { StreamTable } from './table/stream-table.ts'

define('stream-table', StreamTable)
export { StreamTable }
