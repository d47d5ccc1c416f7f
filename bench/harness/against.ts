import { fileURLToPath } from 'node:url'
import { withCommit } from './other-clone.ts'
import { type Measure, type Scenario, type Table, fixed } from './scenario.ts'
import { serversFrom } from './server-process.ts'
import { median } from './statistics.ts'

/** Rounds of each commit. */
const ROUNDS = 6
const QUICK_ROUNDS = 2

/**
 * Runs a scenario over the servers of this clone and of another commit, in turns, and compares the medians. The load is this clone's in both. Which of them
 * begins a round changes, so that a machine that gets slower favours neither. `quick`: fewer rounds of less work, to try a scenario. Returns null if the scenario has no measures.
 */
export async function compare(
  scenario: Scenario,
  { commit, quick }: { readonly commit: string; readonly quick: boolean },
): Promise<Table | null> {
  const roundCount = quick ? QUICK_ROUNDS : ROUNDS
  return withCommit(commit, async (clone, id) => {
    const here = fileURLToPath(new URL('../..', import.meta.url))
    const rounds = { here: [] as (readonly Measure[])[], there: [] as (readonly Measure[])[] }
    for (let round = 0; round < roundCount; round++) {
      for (const side of round % 2 === 0 ? (['here', 'there'] as const) : (['there', 'here'] as const)) {
        serversFrom(side === 'here' ? here : clone)
        const { measures = [] } = await scenario({ quick, alone: true })
        if (measures.length === 0) return null
        rounds[side].push(measures)
      }
    }
    const [first = []] = rounds.here
    return {
      caption: `This clone against ${id}, ${roundCount} ${quick ? 'quick ' : ''}rounds each in turns`,
      columns: ['', id, 'here', 'ratio (more is better)', 'of single rounds'],
      rows: first.map(({ what, better }, index) => {
        const of = (side: keyof typeof rounds): number[] =>
          rounds[side].map((round) => round[index]?.value ?? Number.NaN)
        const ratio = (a: number, b: number): number => (better === 'more' ? a / b : b / a)
        const [ours, theirs] = [of('here'), of('there')]
        const each = ours.map((value, round) => ratio(value, theirs[round] ?? Number.NaN))
        return [
          what,
          shown(median(theirs)),
          shown(median(ours)),
          fixed(ratio(median(ours), median(theirs)), 3),
          `${fixed(Math.min(...each), 2)} to ${fixed(Math.max(...each), 2)}`,
        ]
      }),
    }
  })
}

function shown(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString('en-US') : fixed(value, 2)
}
