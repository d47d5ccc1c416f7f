import { curesOf } from '../cures.ts'
import type { Examination } from '../examination.ts'
import { type Finding, problem } from '../finding.ts'

/** For an answer that names another request than the one that was sent. Nothing else can be examined then. */
export function cached({ proxies }: Examination): Finding {
  return problem(
    'caching',
    'The answer was that of another request: something between keeps answers and gives them out again.',
    curesOf('caching', proxies),
  )
}
