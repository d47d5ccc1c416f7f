import { ERRORS } from '@streamstack/protocol'
import { code, page, table } from './markdown.ts'

/** Every error code that the server sends. */
export function errorsPage(): string {
  const rows = Object.entries(ERRORS)
  return page([
    '# Errors',
    'Every code that Streamstack itself sends. How errors reach a caller, before and after the first chunk, is told in [the guide](../errors.md). Codes of Throw Error and Precondition are your own.',
    table(
      ['code', 'status', 'try again?', 'what it says', 'what to do'],
      rows.map(([name, row]) => [code(name), String(row.status), row.recoverable ? 'yes' : 'no', row.title, row.cure]),
    ),
    '`status` is the HTTP status when the error comes before the first chunk. "try again?" is `recoverable`: whether the same call may succeed later, unchanged.',
  ])
}
