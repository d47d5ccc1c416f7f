import type { Issue, Position } from './types.ts'

/** Collects the issues of one file while it is read; readers go on after a fault so that one check lists them all. */
export interface IssueList {
  readonly issues: Issue[]
  error(position: Position, message: string): void
  warning(position: Position, message: string): void
  /** Whether anything noted so far keeps the definition from loading. */
  hasErrors(): boolean
}

/** An empty list. */
export function createIssueList(): IssueList {
  const issues: Issue[] = []
  return {
    issues,
    error(position, message) {
      issues.push({ severity: 'error', message, position })
    },
    warning(position, message) {
      issues.push({ severity: 'warning', message, position })
    },
    hasErrors() {
      return issues.some((issue) => issue.severity === 'error')
    },
  }
}
