import type { EndpointCoverage } from './coverage.ts'
import type { TestResult, TestRun } from './run-tests.ts'

export interface ReportColors {
  readonly green: (text: string) => string
  readonly red: (text: string) => string
  readonly dim: (text: string) => string
  readonly bold: (text: string) => string
}

/** A result as the terminal shows it. */
export function resultLines({ file, name, failures, durationMs }: TestResult, colors: ReportColors): string[] {
  const mark = failures.length === 0 ? colors.green('✓') : colors.red('✗')
  const head = `${mark} ${name} ${colors.dim(`${file}  ${Math.round(durationMs)} ms`)}`
  return [
    head,
    ...failures.map(
      ({ title, message, line }) =>
        `    ${colors.dim(`${file}:${line}`)} ${title === null ? '' : `${title}: `}${message}`,
    ),
  ]
}

/** Steps and branches that no test has run, an endpoint a line. */
export function coverageLines(coverage: readonly EndpointCoverage[], colors: ReportColors): string[] {
  if (coverage.length === 0) return []
  const lines = [colors.bold('Coverage')]
  for (const { endpoint, steps, branches } of coverage) {
    const [ran, all] = [steps.filter(({ hasRun }) => hasRun).length, steps.length]
    lines.push(
      `  ${endpoint}  ${ran}/${all} steps, ${branches.filter(({ hasRun }) => hasRun).length}/${branches.length} branches`,
    )
    if (ran === 0) continue
    for (const { place, hasRun } of [...branches, ...steps])
      if (!hasRun) lines.push(`    ${colors.dim(`not run: ${place}`)}`)
  }
  return lines
}

/** The run as JUnit XML, which CI systems read: a suite for each file. */
export function junitXml({ results }: TestRun): string {
  const files = Map.groupBy(results, ({ file }) => file)
  const failed = (some: readonly TestResult[]): number => some.filter(({ failures }) => failures.length > 0).length
  const seconds = (ms: number): string => (ms / 1_000).toFixed(3)
  const total = results.reduce((sum, { durationMs }) => sum + durationMs, 0)
  const suites = [...files].map(([file, tests]) => {
    const time = seconds(tests.reduce((sum, { durationMs }) => sum + durationMs, 0))
    const cases = tests.map(({ name, failures, durationMs }) => {
      const open = `    <testcase name="${escaped(name)}" classname="${escaped(file)}" time="${seconds(durationMs)}"`
      if (failures.length === 0) return `${open}/>`
      const told = failures.map(({ title, message, line }) => {
        const text = `${file}:${line} ${title === null ? '' : `${title}: `}${message}`
        return `      <failure message="${escaped(message)}">${escaped(text)}</failure>`
      })
      return [`${open}>`, ...told, '    </testcase>'].join('\n')
    })
    const head = `  <testsuite name="${escaped(file)}" tests="${tests.length}" failures="${failed(tests)}" time="${time}">`
    return [head, ...cases, '  </testsuite>'].join('\n')
  })
  const head = `<testsuites name="streamstack" tests="${results.length}" failures="${failed(results)}" time="${seconds(total)}">`
  return ['<?xml version="1.0" encoding="UTF-8"?>', head, ...suites, '</testsuites>', ''].join('\n')
}

/** Characters that XML 1.0 does not allow are left out. */
function escaped(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')
}
