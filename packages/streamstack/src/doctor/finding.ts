/** What one check found. */
export interface Finding {
  /** Which check, in one or two words. */
  readonly check: string
  /** `warning`: streams work, but not as well as they could. `problem`: they do not. */
  readonly verdict: 'ok' | 'warning' | 'problem'
  /** What was seen, in a sentence. */
  readonly seen: string
  /** What to do about it, with the setting; the most specific first. */
  readonly cures: readonly string[]
}

export function ok(check: string, seen: string): Finding {
  return { check, verdict: 'ok', seen, cures: [] }
}

export function warning(check: string, seen: string, cures: readonly string[] = []): Finding {
  return { check, verdict: 'warning', seen, cures }
}

export function problem(check: string, seen: string, cures: readonly string[]): Finding {
  return { check, verdict: 'problem', seen, cures }
}
