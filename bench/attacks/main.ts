/**
 * `npm run attack`: tries to stop a server with a heap of 512 MB in each known way, or those that are named, and measures what others notice.
 * Options: --seconds 60, --heap 512, --intensity 1. Ends with 1 when a server died or a victim lost something.
 */
import { parseArgs } from 'node:util'
import { tableMarkdown } from '../harness/report.ts'
import { fixed } from '../harness/scenario.ts'
import { attacks } from './catalogue.ts'
import { type AttackReport, measure } from './measure.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '10' },
    heap: { type: 'string', default: '512' },
    intensity: { type: 'string', default: '1' },
  },
})
const [seconds, heapMegabytes, intensity] = [values.seconds, values.heap, values.intensity].map(Number) as [
  number,
  number,
  number,
]
const unknown = positionals.filter((name) => !attacks.some((attack) => attack.name === name))
if (unknown.length > 0 || !(seconds > 0 && heapMegabytes >= 64 && intensity > 0 && intensity <= 1)) {
  console.error(
    `attack: names are ${attacks.map(({ name }) => name).join(', ')}; options --seconds 60, --heap 512 (MB), --intensity 1 (from 0 to 1).`,
  )
  process.exit(2)
}

const reports: AttackReport[] = []
let notMeasured = 0
for (const attack of attacks) {
  if (positionals.length > 0 && !positionals.includes(attack.name)) continue
  console.log(`\n${attack.name}: ${attack.about}`)
  let report: AttackReport
  try {
    report = await measure(attack, { seconds, heapMegabytes, intensity })
  } catch (error) {
    // The server ended before the attack began, or the attacker did.
    console.log(`NOT MEASURED: ${(error as Error).message}`)
    notMeasured++
    continue
  }
  reports.push(report)
  console.log(row(report).join(' | '))
  const { arriving } = report
  if (arriving !== null)
    console.log(
      `while its connections came: p50 ${ms(arriving.p50Ms)}, p99 ${ms(arriving.p99Ms)}, refused ${arriving.refused}, lost ${arriving.lost}`,
    )
  for (const [name, value] of Object.entries(report.attacker.figures)) console.log(`${name}: ${fixed(value, 1)}`)
  console.log(
    `sent ${report.attacker.sent}; got ${
      Object.entries(report.attacker.answers)
        .map(([answer, count]) => `${answer} × ${count}`)
        .join(', ') || 'nothing'
    }${report.death === null ? '' : `; THE SERVER ENDED: ${report.death}`}`,
  )
}
console.log(`\n${table(reports)}`)
const isUnharmed = ({ death, arriving, during, attacker }: AttackReport): boolean =>
  death === null && during.lost === 0 && (arriving?.lost ?? 0) === 0 && attacker.lost === 0
process.exitCode = notMeasured === 0 && reports.every(isUnharmed) ? 0 : 1

function table(rows: readonly AttackReport[]): string {
  return tableMarkdown({
    caption: `Victims of each attack: ${seconds} s, heap of ${heapMegabytes} MB; calls of a small endpoint, 40 a second, and a reader of a stream of 50 chunks a second`,
    columns: [
      'attack',
      'p50 without',
      'p99 without',
      'p50 with',
      'p99 with',
      'p99 ratio',
      'refused',
      'lost',
      'RSS before',
      'RSS peak',
      'RSS after',
      'held before',
      'held after',
    ],
    rows: rows.map(row),
  })
}

function row(report: AttackReport): string[] {
  const { attack, before, during, death } = report
  return [
    death === null ? attack.name : `${attack.name} (server ended)`,
    ms(before.p50Ms),
    ms(before.p99Ms),
    ms(during.p50Ms),
    ms(during.p99Ms),
    `${fixed(during.p99Ms / before.p99Ms, 1)} ×`,
    `${during.refused} of ${during.complete + during.refused + during.lost}`,
    String(during.lost + report.attacker.lost),
    megabytes(report.restingBytes),
    megabytes(report.peakBytes),
    megabytes(report.settledBytes),
    megabytes(report.heldBeforeBytes),
    megabytes(report.heldAfterBytes),
  ]
}

function ms(value: number): string {
  return `${fixed(value, 1)} ms`
}

function megabytes(bytes: number): string {
  return `${fixed(bytes / 1_048_576, 0)} MB`
}
