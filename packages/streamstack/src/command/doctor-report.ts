import { counted } from './issue-lines.ts'
import type { Colors } from './io.ts'
import { type Finding, type Proxy, listed } from '../doctor/index.ts'

const VERDICT_WIDTH = 8
const CHECK_WIDTH = 16

/** A finding for a terminal: its verdict, what was seen, and a line for each cure. */
export function findingLines({ check, verdict, seen, cures }: Finding, colors: Colors): readonly string[] {
  const paint = { ok: colors.green, warning: colors.yellow, problem: colors.red }[verdict]
  const cure = ' '.repeat(VERDICT_WIDTH + CHECK_WIDTH)
  return [
    `${paint(verdict.padEnd(VERDICT_WIDTH))}${colors.bold(check.padEnd(CHECK_WIDTH))}${seen}`,
    ...cures.map((text) => `${cure}${colors.cyan('→')} ${text}`),
  ]
}

/** The last line: whether streams flow, and what was recognised on the way. */
export function summaryLine(
  base: URL,
  proxies: readonly Proxy[],
  findings: readonly Finding[],
  colors: Colors,
): string {
  const count = (verdict: Finding['verdict']): number => findings.filter((one) => one.verdict === verdict).length
  const parts = [counted(count('problem'), 'problem'), counted(count('warning'), 'warning')]
  const result = parts.filter((part) => !part.startsWith('0 ')).join(', ') || 'no problems'
  const names = listed(proxies.map(({ name }) => name))
  return `${colors.bold(result)} at ${addressText(base)}${names === '' ? '' : `, behind ${names}`}`
}

/** The same for machines. */
export function reportOf(base: URL, proxies: readonly Proxy[], findings: readonly Finding[]): object {
  return {
    url: addressText(base),
    ok: findings.every(({ verdict }) => verdict !== 'problem'),
    proxies: proxies.map(({ name, banner }) => ({ name, seen_by: banner })),
    findings,
  }
}

function addressText({ origin, pathname }: URL): string {
  return origin + pathname.replace(/\/$/, '')
}
