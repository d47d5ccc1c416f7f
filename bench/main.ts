/**
 * `npm run bench`: all scenarios, or those named; `--quick` does less, `--write` keeps the results in docs/benchmarks.md. With `--against <commit>` our
 * server of that commit and of this clone are measured in turns, and compared; with `--quick` in fewer rounds of less work.
 */
import { aiRelay } from './ai-relay.ts'
import { catchUp } from './catch-up.ts'
import { chunks } from './chunks.ts'
import { durableAppends } from './durable-appends.ts'
import { fanOut } from './fan-out.ts'
import { filters } from './filters.ts'
import { firstChunk } from './first-chunk.ts'
import { type Report, type Scenario } from './harness/scenario.ts'
import { compare } from './harness/against.ts'
import { printReport, tableMarkdown } from './harness/report.ts'
import { limiter } from './limiter.ts'
import { load } from './load.ts'
import { manyStreams } from './many-streams.ts'
import { paced } from './paced.ts'
import { paging } from './paging.ts'
import { small } from './small.ts'
import { writeResults } from './harness/write-results.ts'

const scenarios: Readonly<Record<string, Scenario>> = {
  chunks,
  small,
  paging,
  paced,
  load,
  'first-chunk': firstChunk,
  'durable-appends': durableAppends,
  'fan-out': fanOut,
  'catch-up': catchUp,
  'many-streams': manyStreams,
  'ai-relay': aiRelay,
  filters,
  limiter,
}

const words = process.argv.slice(2)
const at = words.indexOf('--against')
const commit = at === -1 ? null : (words.splice(at, 2)[1] ?? 'HEAD')
const quick = words.includes('--quick')
const named = words.filter((word) => !word.startsWith('--'))
const unknown = [
  ...named.filter((name) => !Object.hasOwn(scenarios, name)),
  ...words.filter((word) => word.startsWith('--') && !['--quick', '--write'].includes(word)),
]
if (unknown.length > 0) {
  console.error(
    `There is no ${unknown.join(', ')}. Scenarios: ${Object.keys(scenarios).join(', ')}; options: --quick, --write, --against <commit>.`,
  )
  process.exit(1)
}

const reports: Report[] = []
for (const [name, scenario] of Object.entries(scenarios)) {
  if (named.length > 0 && !named.includes(name)) continue
  if (commit !== null) {
    const table = await compare(scenario, { commit, quick })
    const text =
      table === null
        ? 'This scenario has no measures to compare. Run it in a clone of each commit, without --against.'
        : tableMarkdown(table)
    console.log(`## ${name}\n\n${text}\n`)
    continue
  }
  const report = await scenario({ quick })
  reports.push(report)
  printReport(report)
}
if (words.includes('--write')) await writeResults(reports, quick)
process.exitCode = reports.every(({ goals }) => goals.every(({ met, isAim }) => met || isAim === true)) ? 0 : 1
