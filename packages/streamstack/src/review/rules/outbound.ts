import { settingPlace } from '../../workspace/index.ts'
import type { Fault, Severity } from '../finding.ts'
import type { ReviewSubject } from '../subject.ts'

/** Fewer fixed bits than this make a range wide: a /16 has 65,536 addresses. */
const WIDE_BITS = { v4: 16, v6: 48 } as const

/** Private addresses that requests may reach, more of them than a service needs. */
export function wideOutbound({ files, workspace }: ReviewSubject): readonly Fault[] {
  const position = settingPlace(files.settingsTree, 'outbound.allow')
  return workspace.settings.outbound.allow.flatMap((entry): Fault[] => {
    const severity = severityOf(entry)
    if (severity === null) return []
    return [
      {
        severity,
        position,
        message: `Outbound requests may reach ${entry}, ${severity === 'high' ? 'where machines of a cloud keep their credentials or the whole network is' : 'many addresses or every port of one'}.`,
        cure: 'Name the one host and port that the steps need, such as 10.0.0.7:9000.',
      },
    ]
  })
}

function severityOf(entry: string): Severity | null {
  if (entry === 'self') return null
  const range = /^(.*)\/(\d{1,3})$/.exec(entry)
  if (range !== null) {
    const bits = Number(range[2])
    if (bits === 0 || /^\[?(?:169\.254\.|fe80:)/i.test(entry)) return 'high'
    const isWide = bits < (entry.includes(':') ? WIDE_BITS.v6 : WIDE_BITS.v4)
    return isWide ? 'medium' : null
  }
  if (/^\[?(?:169\.254\.169\.254|fd00:ec2::254|metadata\b)/i.test(entry)) return 'high'
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/.test(entry) ? 'medium' : null
}
