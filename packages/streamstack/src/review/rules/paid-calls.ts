import { literalText } from '../../definition/index.ts'
import type { StepNode } from '../../definition/types.ts'
import type { Fault } from '../finding.ts'
import { type ReviewSubject, reviewedEndpoints, stepPlace } from '../subject.ts'

/** Endpoints that spend money, or a quota, for callers whom nothing bounds. */
export function paidCalls(subject: ReviewSubject): readonly Fault[] {
  return reviewedEndpoints(subject).flatMap(({ endpoint, isOpen, route, steps }) => {
    const paid = steps.find(isPaid)
    if (paid === undefined) return []
    const unbounded = steps.find((step) => step.function === 'AI Reply' && step.parameters['max_tokens'] === undefined)
    const faults: Fault[] = []
    if (isOpen) {
      faults.push({
        severity: 'high',
        position: endpoint.position,
        message: `Anyone may call ${route}, and each call uses your account with another service (${stepPlace(paid)}).`,
        cure: 'Set `authentication: true`, and limit how often one caller may call, here or in the proxy in front.',
      })
    }
    if (unbounded !== undefined) {
      faults.push({
        severity: 'low',
        position: unbounded.position,
        message: `${route} lets the model answer at any length.`,
        cure: 'Set `max_tokens` on the step.',
      })
    }
    return faults
  })
}

/** A request that carries a secret of the workspace. */
function isPaid(step: StepNode): boolean {
  if (step.function === 'AI Reply') return literalText(step.parameters['provider']) !== 'ollama'
  if (!step.function.startsWith('External API Request')) return false
  const sent = ['headers', 'query', 'url', 'body'].map((name) => JSON.stringify(step.parameters[name]?.value ?? ''))
  return sent.some((text) => /\{\{[^}]*\benv\./.test(text))
}
