import { isForAnybody } from '../../channel/index.ts'
import type { Fault } from '../finding.ts'
import type { ReviewSubject } from '../subject.ts'

/** Channels that anyone may publish to. */
export function openChannels({ workspace }: ReviewSubject): readonly Fault[] {
  return workspace.channels.channels.flatMap(({ pattern, publish, position }): Fault[] =>
    isForAnybody(publish)
      ? [
          {
            severity: 'medium',
            position,
            message: `Anyone may publish to ${pattern.text}, and every reader gets it.`,
            cure: 'Set `publish: token`, or `publish: { roles: […] }`.',
          },
        ]
      : [],
  )
}
