import type { Issue } from '../definition/index.ts'

/** An issue as one line that editors and terminals can follow: `file:line:column message`. */
export function formatIssue({ severity, message, position }: Issue): string {
  const prefix = severity === 'warning' ? 'warning: ' : ''
  return `${position.file}:${position.line}:${position.column} ${prefix}${message}`
}
