import type { Position } from '../definition/types.ts'

export type Severity = 'high' | 'medium' | 'low'

/** Severities, the worst first. */
export const SEVERITIES: readonly Severity[] = ['high', 'medium', 'low']

/** Something that an attacker may use, though the workspace is valid. */
export interface Finding {
  /** Name of the rule, which a comment accepts: `open-writes`. */
  readonly rule: string
  readonly severity: Severity
  readonly position: Position
  readonly message: string
  readonly cure: string
}

/** What is wrong at a place; the rule adds its name. */
export type Fault = Omit<Finding, 'rule'>
