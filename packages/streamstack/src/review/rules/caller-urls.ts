import { literalText } from '../../definition/index.ts'
import type { Fault } from '../finding.ts'
import { type ReviewSubject, reviewedEndpoints } from '../subject.ts'

/** Requests whose host a caller chooses. */
export function callerUrls(subject: ReviewSubject): readonly Fault[] {
  const { allow } = subject.workspace.settings.outbound
  return reviewedEndpoints(subject).flatMap(({ endpoint, route, steps }) =>
    steps.flatMap((step): Fault[] => {
      // Behind a fixed host a value can only become a part of the path or query.
      const first = /^\s*\{\{\s*([A-Za-z_]\w*)/.exec(literalText(step.parameters['url']))?.[1]
      const isInput = first === 'input' || endpoint.inputs.some(({ name }) => name === first)
      if (!step.function.startsWith('External API Request') || !isInput) return []
      return [
        {
          severity: allow.length > 0 ? 'high' : 'medium',
          position: step.position,
          message: `Callers of ${route} choose where this request goes${allow.length > 0 ? ', private addresses of `outbound.allow` included' : ''}.`,
          cure: 'Write the host into `url` and take only what is behind it from the caller, or give the input `values`.',
        },
      ]
    }),
  )
}
