import { StreamstackError } from '@streamstack/protocol'
import { ANONYMOUS, type Caller } from '../packages/streamstack/src/access/index.ts'
import type { RateLimitDeclaration } from '../packages/streamstack/src/definition/index.ts'
import { OpenStreams, RateLimits, RunQueues, callerKey, limitError } from '../packages/streamstack/src/limit/index.ts'
import { interleave } from './harness/interleave.ts'
import { type Report, type ScenarioOptions, count, fixed } from './harness/scenario.ts'
import { median } from './harness/statistics.ts'

const CALLERS = 10_000

const limit = (more: Partial<RateLimitDeclaration>): RateLimitDeclaration => ({
  unit: 'calls',
  amount: 100,
  perMs: 60_000,
  by: 'caller',
  roles: [],
  keys: [],
  mode: 'enforce',
  ...more,
})

const callers = Array.from({ length: CALLERS }, (_, n): Caller => {
  const address = `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`
  return { ...ANONYMOUS, kind: 'token', subject: `user ${n}`, place: { ...ANONYMOUS.place, address } }
})

const rateLimits = new RateLimits()
const openStreams = new OpenStreams()
const queues = new RunQueues()
const bounds = { runs: 100, queue: 100, waitMs: 10_000 }

/** What each limit does for one call. */
const limiters: Readonly<Record<string, (caller: Caller, nowMs: number) => void>> = {
  'one rate by caller': (caller, nowMs) => {
    limitError(rateLimits.take('a', oneRate, { caller, inputs: null }, nowMs))
  },
  'three rates: calls by caller and address, tokens': (caller, nowMs) => {
    limitError(rateLimits.take('b', threeRates, { caller, inputs: null }, nowMs))
  },
  'open streams in all, by caller, by address': (caller) => {
    openStreams.enter(caller, { total: 1_000, perCaller: 10, perAddress: 10 })()
  },
  'runs at the same time': (caller) => {
    const release = queues.of('c', bounds).enter(callerKey(caller), bounds, null)
    if (release instanceof Promise) throw new StreamstackError('internal', 'the queue is not empty')
    release()
  },
}
const oneRate = [limit({})]
const threeRates = [limit({}), limit({ by: 'address' }), limit({ unit: 'tokens', amount: 10_000 })]

/** What limits cost a call. */
export async function limiter({ quick }: ScenarioOptions): Promise<Report> {
  const calls = quick ? 10_000 : 100_000
  const results = await interleave(Object.entries(limiters), { warmups: 1, rounds: quick ? 3 : 7 }, async ([, act]) => {
    const before = process.cpuUsage()
    for (let n = 0; n < calls; n++) act(callers[(n * 7_919) % CALLERS] ?? ANONYMOUS, performance.now())
    const { user, system } = process.cpuUsage(before)
    return (user + system) / calls
  })
  const rows = [...results].map(([[name], rounds]) => ({ name, microseconds: median(rounds) }))
  const worst = Math.max(...rows.map(({ microseconds }) => microseconds))
  return {
    title: 'The cost of a limit',
    method: `${count(calls)} calls of ${count(CALLERS)} callers in turn, in this process. Processor time of a call, a look at the clock included.`,
    tables: [
      {
        caption: 'Processor time of one call',
        columns: ['limit', 'median'],
        rows: rows.map(({ name, microseconds }) => [name, `${fixed(microseconds, 2)} µs`]),
      },
    ],
    goals: [{ what: 'the dearest', goal: '≤ 5 µs', measured: `${fixed(worst, 2)} µs`, met: worst <= 5 }],
  }
}
