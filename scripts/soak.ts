/**
 * Kills a server again and again, mostly with -9, while durable runs stream to readers that come back, and counts what was lost, doubled, out of order or falsely
 * ended: `npm run soak -- --rounds 200 --seed 1`. Ends with 1 when there was any.
 */
import { parseArgs } from 'node:util'
import { type KillReport, killLoop } from '@streamstack/test-support/kill-loop/kill-loop'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '200' }, seed: { type: 'string' } },
})
const rounds = Number(values.rounds)
const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000_000) : Number(values.seed)
if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed)) {
  console.error('soak: --rounds and --seed are whole numbers.')
  process.exit(2)
}

console.log(`soak: ${rounds} rounds, seed ${seed}`)
const startedMs = performance.now()
let told = 0
const report = await killLoop({
  rounds,
  seed,
  onRound: (round, sofar) => {
    for (const fault of sofar.faults.slice(told)) console.error(`fault by round ${round}: ${fault}`)
    told = sofar.faults.length
    if (round % 10 === 0 || round === rounds) console.log(`${round}/${rounds}: ${summary(sofar)}`)
  },
})
console.log(`${Math.round((performance.now() - startedMs) / 1000)} s. ${summary(report)}`)
for (const fault of report.faults.slice(told)) console.error(`fault: ${fault}`)
if (report.faults.length > 0) console.error(`Again with: npm run soak -- --rounds ${rounds} --seed ${seed}`)
process.exitCode = report.faults.length === 0 ? 0 : 1

function summary({
  kills,
  killsWhileStarting,
  terms,
  outcomes,
  chunks,
  readAgain,
  reconnections,
  faults,
}: KillReport): string {
  const runs = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome}`)
  return `${kills} kills (${killsWhileStarting} while starting), ${terms} SIGTERM; runs: ${runs.join(', ') || 'none over'}; ${chunks} chunks checked, ${readAgain} runs read again, ${reconnections} reconnections; ${faults.length} faults`
}
