import { literalText } from '../../definition/index.ts'
import type { RateLimitDeclaration, StepNode } from '../../definition/types.ts'
import type { Fault } from '../finding.ts'
import { type ReviewSubject, reviewedEndpoints, stepPlace } from '../subject.ts'

/** Endpoints that spend money, or a quota, for callers whom nothing bounds. */
export function paidCalls(subject: ReviewSubject): readonly Fault[] {
  return reviewedEndpoints(subject).flatMap(({ endpoint, isOpen, route, steps }) => {
    const paid = steps.find(isPaid)
    if (paid === undefined) return []
    const unbounded = steps.find((step) => step.function === 'AI Reply' && step.parameters['max_tokens'] === undefined)
    const faults: Fault[] = []
    if (isOpen && !isLimited(subject, endpoint.rateLimits)) {
      faults.push({
        severity: 'high',
        position: endpoint.position,
        message: `Anyone may call ${route}, and each call uses your account with another service (${stepPlace(paid)}).`,
        cure: 'Set `authentication: true`, or a `rate_limit` such as { calls: 10, per: 1m, by: address }.',
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

/** Whether anything bounds how often it may be called; what is only reported, or only for some roles, bounds nothing. */
function isLimited({ workspace }: ReviewSubject, own: readonly RateLimitDeclaration[]): boolean {
  return [...own, ...workspace.settings.limits.rateLimits].some(
    ({ mode, roles, keys }) => mode === 'enforce' && roles.length + keys.length === 0,
  )
}

/** A request that carries a secret of the workspace. */
function isPaid(step: StepNode): boolean {
  if (step.function === 'AI Reply') return literalText(step.parameters['provider']) !== 'ollama'
  if (!step.function.startsWith('External API Request')) return false
  const sent = ['headers', 'query', 'url', 'body'].map((name) => JSON.stringify(step.parameters[name]?.value ?? ''))
  return sent.some((text) => /\{\{[^}]*\benv\./.test(text))
}
