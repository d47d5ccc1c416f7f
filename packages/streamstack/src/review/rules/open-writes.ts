import type { Fault, Severity } from '../finding.ts'
import { type ReviewSubject, reviewedEndpoints, stepPlace } from '../subject.ts'

const WRITES: Readonly<Record<string, Severity>> = {
  'Add Record': 'high',
  'Edit Record': 'high',
  'Delete Record': 'high',
  'Publish to Channel': 'medium',
}

/** Endpoints that write although anyone may call them. */
export function openWrites(subject: ReviewSubject): readonly Fault[] {
  return reviewedEndpoints(subject).flatMap(({ endpoint, isOpen, route, steps }) => {
    const writes = steps.filter((step) => Object.hasOwn(WRITES, step.function))
    const worst = writes.find((step) => WRITES[step.function] === 'high') ?? writes[0]
    if (!isOpen || worst === undefined) return []
    return {
      severity: WRITES[worst.function] ?? 'high',
      position: endpoint.position,
      message: `Anyone may call ${route}, and it writes (${stepPlace(worst)}).`,
      cure: 'Set `authentication: true`, and `roles` or `scopes`, in its `endpoint_settings`.',
    }
  })
}
