import type { Issue } from '../definition/index.ts'
import { formatIssue } from '../workspace/index.ts'
import type { Colors } from './io.ts'

/** Issues in the order of their places. */
export function sortedIssues(issues: readonly Issue[]): readonly Issue[] {
  return issues.toSorted(
    ({ position: left }, { position: right }) =>
      compareText(left.file, right.file) || left.line - right.line || left.column - right.column,
  )
}

/** Issues as `file:line:column message`, sorted; `prefix` leads from the working folder to the workspace, so that terminals can follow. */
export function issueLines(issues: readonly Issue[], prefix: string, colors: Colors): readonly string[] {
  return sortedIssues(issues).map((issue) => {
    const line = formatIssue(placed(issue, prefix))
    const end = line.indexOf(' ')
    const paint = issue.severity === 'error' ? colors.red : colors.yellow
    return paint(line.slice(0, end)) + line.slice(end)
  })
}

/** `2 errors, 1 warning`. */
export function countIssues(issues: readonly Issue[]): string {
  const errors = issues.filter(({ severity }) => severity === 'error').length
  const warnings = issues.length - errors
  const parts = [counted(errors, 'error'), counted(warnings, 'warning')]
  return parts.filter((part) => !part.startsWith('0 ')).join(', ') || 'no problems'
}

/** `1 row`, `200,000 rows`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

/** The same issue with its file as seen from the working folder. */
export function placed(issue: Issue, prefix: string): Issue {
  const { file } = issue.position
  // An issue of the folder itself.
  const shown = file === '.' && prefix !== '' ? prefix.slice(0, -1) : prefix + file
  return { ...issue, position: { ...issue.position, file: shown } }
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : Number(left > right)
}
