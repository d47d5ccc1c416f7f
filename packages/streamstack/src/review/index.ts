import { type Finding, SEVERITIES } from './finding.ts'
import { callerUrls } from './rules/caller-urls.ts'
import { openChannels } from './rules/open-channels.ts'
import { openWrites } from './rules/open-writes.ts'
import { wideOutbound } from './rules/outbound.ts'
import { paidCalls } from './rules/paid-calls.ts'
import { secretsInFiles } from './rules/secrets-in-files.ts'
import { wideSettings } from './rules/settings.ts'
import { tableReads } from './rules/table-reads.ts'
import type { ReviewSubject } from './subject.ts'

export type { Finding, Severity } from './finding.ts'

/** The rules by their names. */
const rules = {
  'open-writes': openWrites,
  'paid-calls': paidCalls,
  'caller-urls': callerUrls,
  'table-reads': tableReads,
  'secrets-in-files': secretsInFiles,
  'wide-settings': wideSettings,
  'wide-outbound': wideOutbound,
  'open-channels': openChannels,
} as const

export const ruleNames: readonly string[] = Object.keys(rules)

export interface Review {
  /** The worst first, then by place. */
  readonly findings: readonly Finding[]
  /** Findings that a comment in their file accepts. */
  readonly accepted: number
}

/**
 * Reviews a workspace for what an attacker may use. A comment `security-accepted: open-writes` in a file accepts the findings of that rule in it;
 * secrets cannot be accepted.
 */
export function reviewWorkspace(subject: ReviewSubject): Review {
  const texts = textsOf(subject)
  const found = Object.entries(rules).flatMap(([rule, look]) => look(subject).map((fault) => ({ rule, ...fault })))
  const findings = found.filter(
    ({ rule, position }) => rule === 'secrets-in-files' || !acceptedIn(texts.get(position.file) ?? '').includes(rule),
  )
  findings.sort(
    (a, b) =>
      SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
      a.position.file.localeCompare(b.position.file, 'en') ||
      a.position.line - b.position.line,
  )
  return { findings, accepted: found.length - findings.length }
}

function textsOf({ files }: ReviewSubject): ReadonlyMap<string, string> {
  const definitions = [files.endpointFiles, files.functionFiles, files.channelFiles, files.tableFiles].flat()
  const texts = new Map(definitions.map(({ file, text }) => [file, text]))
  texts.set(files.settingsTree?.position.file ?? 'streamstack.yaml', files.settingsText)
  return texts
}

function acceptedIn(text: string): readonly string[] {
  return Array.from(text.matchAll(/(?:#|\/\/)\s*security-accepted:\s*([\w-]+(?:\s*,\s*[\w-]+)*)/g)).flatMap(
    ([, names = '']) => names.split(/\s*,\s*/),
  )
}
