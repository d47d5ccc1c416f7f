import type { Review, Severity } from '../review/index.ts'
import type { Colors } from './io.ts'

/** Findings of a security review: place, severity, what is wrong, and below it the cure; at the end how many of each severity. */
export function reviewLines({ findings, accepted }: Review, prefix: string, colors: Colors): readonly string[] {
  const { red, yellow, dim, bold } = colors
  const paint: Readonly<Record<Severity, (text: string) => string>> = { high: red, medium: yellow, low: dim }
  const lines = findings.flatMap(({ rule, severity, position: { file, line, column }, message, cure }) => [
    `${paint[severity](`${prefix}${file}:${line}:${column} ${severity}:`)} ${message} ${dim(`[${rule}]`)}`,
    `    ${cure}`,
  ])
  const counts = (['high', 'medium', 'low'] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length
    return count === 0 ? [] : [`${count} ${severity}`]
  })
  const more = accepted === 0 ? '' : `, ${accepted} accepted`
  return [...lines, bold(`Security: ${counts.join(', ') || 'nothing found'}${more}`)]
}
