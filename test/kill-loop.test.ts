import { expect, test } from 'vitest'
import { killLoop } from '@streamstack/test-support/kill-loop/kill-loop'

// The long form is `npm run soak`.
test('a server killed again and again loses, doubles and falsely ends nothing of its durable runs', async ({
  annotate,
}) => {
  const seed = Number(process.env['KILL_LOOP_SEED'] ?? Math.floor(Math.random() * 1_000_000_000))
  await annotate(`again with KILL_LOOP_SEED=${seed}`)
  const report = await killLoop({ rounds: 6, seed })
  expect(report.faults, `seed ${seed}`).toEqual([])
  expect(report.kills + report.terms).toBeGreaterThanOrEqual(6)
  // It has tried what it is about.
  expect(report.outcomes['abandoned']).toBeGreaterThan(10)
  expect(report.chunks).toBeGreaterThan(3_000)
  expect(report.readAgain).toBeGreaterThan(20)
}, 300_000)
