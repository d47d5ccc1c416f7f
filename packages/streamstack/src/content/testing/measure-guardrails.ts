import { type RedactKind, newRedactor } from '../redactor.ts'
import { SCREEN_THRESHOLD, screenPrompt } from '../screen-prompt.ts'
import { type GuardrailSet, promptSet, redactSets } from './guardrail-set.ts'

/** What one guardrail does with its test set. */
export interface Measured {
  readonly name: string
  readonly hits: { readonly caught: number; readonly of: number; readonly missed: readonly string[] }
  readonly falseAlarms: { readonly raised: number; readonly of: number; readonly texts: readonly string[] }
}

/** Runs each guardrail over its test set. */
export function measureGuardrails(): readonly Measured[] {
  return [
    measured(promptSet, (text) => screenPrompt(text).score >= SCREEN_THRESHOLD),
    ...redactSets.map((set) => {
      const kinds = [set.name as RedactKind]
      const redactor = newRedactor({ kinds, nationalIds: [], fields: [], matchers: [], replacement: null })
      return measured(set, (text) => redactor.text(text) !== text)
    }),
  ]
}

function measured({ name, hits, passes }: GuardrailSet, isCaught: (text: string) => boolean): Measured {
  const missed = hits.filter((text) => !isCaught(text))
  const alarms = passes.filter(isCaught)
  return {
    name,
    hits: { caught: hits.length - missed.length, of: hits.length, missed },
    falseAlarms: { raised: alarms.length, of: passes.length, texts: alarms },
  }
}
