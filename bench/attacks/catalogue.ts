import { activeRuns } from './active-runs.ts'
import type { Attack } from './attack.ts'
import { connections } from './connections.ts'
import { overloads } from './overload.ts'
import { parsing } from './parsing.ts'
import { rooms } from './rooms.ts'
import { selfCalls, waysOut } from './ways-out.ts'
import { unfinished } from './unfinished.ts'
import { work } from './work.ts'

/** All attacks, in the order in which they run. */
export const attacks: readonly Attack[] = [
  ...activeRuns,
  ...work,
  ...parsing,
  ...unfinished,
  ...waysOut,
  ...selfCalls,
  ...rooms,
  ...connections,
  ...overloads,
]

/** Settings of `limits` for an attack; all others run without. */
export const limitsOf: Readonly<Record<string, object>> = {
  overload: { open_streams: { total: 200 } },
}
