import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Frame, Op, Program, TraceEvent } from '../run/index.ts'
import { type Plan, firstFrame } from './index.ts'
import { type FinishedRun, planOf, runFrame } from './testing/run-stack.ts'
import { FUNCTION_FILES, stacks } from './testing/stacks.ts'

function planned(stack: readonly unknown[]): Plan {
  const { plan, issues } = planOf(stack, FUNCTION_FILES)
  expect(issues.filter(({ severity }) => severity === 'error')).toEqual([])
  return plan as Plan
}

const run = (plan: Plan, frame = firstFrame(plan, {}, null)): Promise<FinishedRun> => runFrame(plan.programs, frame)

/** The same programs, with a look at the frames before each op. */
function watched(plan: Plan, look: (frame: Frame, index: number) => void): Map<string, Program> {
  const watch = (program: Program): Program => ({
    ...program,
    ops: program.ops.map((op, index): Op => (frame, strand) => {
      look(frame, index)
      return op(frame, strand)
    }),
  })
  return new Map([...plan.programs].map(([name, program]) => [name, watch(program)]))
}

function innermost(frame: Frame): Frame {
  return frame.callee === null ? frame : innermost(frame.callee)
}

describe('a frame', () => {
  test('is plain data before every op, and a clone of it goes on as the run itself did', async () => {
    await fc.assert(
      fc.asyncProperty(stacks(false), fc.nat(), async (stack, seed) => {
        const plan = planned(stack)
        const clones: { frame: Frame; chunks: number }[] = []
        const root = firstFrame(plan, {}, null)
        let chunks = (): number => 0
        const look = (_: Frame, index: number): void => {
          const frame = structuredClone(root)
          innermost(frame).pc = index
          clones.push({ frame, chunks: chunks() })
        }
        const whole = await runFrame(watched(plan, look), root, {
          onRun: (one) => {
            chunks = () => one.chunksSent
          },
        })
        // All clones of a short run, some of a long one.
        const every = Math.ceil(clones.length / 12)
        for (const { frame, chunks: sent } of clones.filter((_, i) => i % every === seed % every)) {
          const rest = await run(plan, frame)
          expect([...whole.contents.slice(0, sent), ...rest.contents]).toEqual(whole.contents)
          expect(rest.outcome).toBe(whole.outcome)
          expect(rest.message).toBe(whole.message)
        }
      }),
      { numRuns: 150 },
    )
  })

  test('is plain data while it waits, also inside Parallel', async () => {
    const plan = planned([
      { function: 'Create Variable', name: 'list', value: [1, { a: null }] },
      {
        function: 'For Each',
        input: '{{list}}',
        inner_functions: [
          {
            function: 'Parallel',
            branches: [
              [
                { function: 'Sleep', duration: 1 },
                { function: 'Run Function', name: 'nests', inputs: { n: 1 } },
              ],
              [{ function: 'Sleep', duration: 3 }],
            ],
          },
        ],
      },
    ])
    const root = firstFrame(plan, {}, null)
    let looks = 0
    await runFrame(
      watched(plan, () => {
        looks++
        expect(structuredClone(root)).toEqual(root)
      }),
      root,
    )
    expect(looks).toBeGreaterThan(20)
  })

  test('of a run in Parallel goes on with the branches that were not done', async () => {
    const branch = (name: string): unknown[] => [
      {
        function: 'For',
        count: 3,
        inner_functions: [
          { function: 'Streaming API Response', content: `${name} {{loop_index}}` },
          { function: 'Sleep', duration: 1 },
        ],
      },
    ]
    const plan = planned([
      { function: 'Parallel', branches: [branch('a'), branch('b'), branch('c')], at_once: 2 },
      { function: 'Streaming API Response', content: 'after' },
    ])
    const root = firstFrame(plan, {}, null)
    const clones: { frame: Frame; chunks: number }[] = []
    let chunks = (): number => 0
    // Taken between turns, when every branch waits or is between two ops.
    const timer = setInterval(() => clones.push({ frame: structuredClone(root), chunks: chunks() }), 1)
    const whole = await runFrame(plan.programs, root, {
      onRun: (one) => {
        chunks = () => one.chunksSent
      },
    })
    clearInterval(timer)
    expect(clones.length).toBeGreaterThan(2)
    for (const { frame, chunks: sent } of clones) {
      const rest = await run(plan, frame)
      const all = [...whole.contents.slice(0, sent), ...rest.contents]
      expect(new Set(all)).toEqual(new Set(whole.contents))
      expect(all).toHaveLength(whole.contents.length)
      expect(all.at(-1)).toBe('after')
      for (const name of ['a', 'b', 'c']) {
        const own = all.filter((content) => JSON.stringify(content).startsWith(`"${name} `))
        expect(own).toEqual([`${name} 0`, `${name} 1`, `${name} 2`])
      }
    }
  })

  test('of a run that is over holds no call and no branch any more', async () => {
    await fc.assert(
      fc.asyncProperty(stacks(true), async (stack) => {
        const plan = planned(stack)
        const frame = firstFrame(plan, {}, null)
        await run(plan, frame)
        expect(frame.callee).toBeNull()
        expect(frame.branches).toBeNull()
      }),
      { numRuns: 50 },
    )
  })
})

test('a plan is shared: runs of it side by side do not see each other', async () => {
  await fc.assert(
    fc.asyncProperty(stacks(true), async (stack) => {
      const plan = planned(stack)
      const alone = await run(plan)
      const together = await Promise.all([run(plan), run(plan), run(plan)])
      for (const one of together) expect(one).toEqual(alone)
    }),
    { numRuns: 50 },
  )
})

describe('the trace', () => {
  const traced = async (
    stack: readonly unknown[],
  ): Promise<{ events: TraceEvent[]; finished: FinishedRun; plan: Plan }> => {
    const plan = planned(stack)
    const events: TraceEvent[] = []
    const finished = await runFrame(plan.programs, firstFrame(plan, {}, null), { trace: (event) => events.push(event) })
    return { events, finished, plan }
  }

  test('tells each step in order, with the loops around it and the chunks sent', async () => {
    const { events } = await traced([
      { function: 'For', count: 2, inner_functions: [{ function: 'Streaming API Response', content: 'x' }] },
      { function: 'Run Function', name: 'nests', inputs: { n: 1 } },
    ])
    const told = events.map(
      ({ event, program, step, loop, chunks }) => `${event} ${program}:${step} [${loop.join()}] ${chunks}`,
    )
    expect(told.slice(0, 6)).toEqual([
      'start :1 [] 0',
      'start :1.inner.1 [0] 0',
      'end :1.inner.1 [0] 1',
      'start :1.inner.1 [1] 1',
      'end :1.inner.1 [1] 2',
      'end :1 [] 2',
    ])
    expect(told.slice(6, 9)).toEqual(['start :2 [] 2', 'start nests:1 [] 2', 'start twice:1 [] 2'])
    expect(told.at(-1)).toBe('end :2 [] 5')
  })

  test('is properly nested and complete, and does not change what is sent', async () => {
    await fc.assert(
      fc.asyncProperty(stacks(true), async (stack) => {
        const { events, finished, plan } = await traced(stack)
        expect(finished).toEqual(await run(plan))
        const open: string[] = []
        let chunks = 0
        for (const event of events) {
          const step = `${event.program}:${event.step}`
          if (event.event === 'start') open.push(step)
          else if (event.event === 'failed') expect(open.at(-1)).toBe(step)
          else expect(open.pop()).toBe(step)
          expect(event.chunks).toBeGreaterThanOrEqual(chunks)
          chunks = event.chunks
        }
        expect(open).toEqual([])
      }),
      { numRuns: 150 },
    )
  })

  test('ends every step of a run that is cancelled', async () => {
    const plan = planned([
      {
        function: 'Parallel',
        branches: [
          [{ function: 'Sleep', duration: 60_000 }],
          [{ function: 'Group', steps: [{ function: 'Sleep', duration: 60_000 }] }],
        ],
      },
    ])
    const events: TraceEvent[] = []
    const finished = await runFrame(plan.programs, firstFrame(plan, {}, null), {
      trace: (event) => events.push(event),
      onRun: (one) => setTimeout(() => one.cancel('enough'), 5),
    })
    expect(finished.outcome).toBe('cancelled')
    const count = (kind: string): string[] =>
      events
        .filter(({ event }) => event === kind)
        .map(({ step }) => step)
        .sort()
    expect(count('start')).toHaveLength(4)
    expect(count('end')).toEqual(count('start'))
  })
})

describe('at load', () => {
  const errorsOf = (stack: unknown[], files?: Record<string, unknown>): string[] =>
    planOf(stack, files)
      .issues.filter(({ severity }) => severity === 'error')
      .map(({ message, position: { file, line, column } }) => `${file}:${line}:${column} ${message}`)

  test('an unknown variable is an error with a guess', () => {
    const [error, ...more] = errorsOf([
      { function: 'Create Variable', name: 'total', value: 1 },
      { function: 'Streaming API Response', content: '{{totl}}' },
    ])
    expect(error).toMatch(/^endpoints\/e\.json:1:\d+ .*totl.*Did you mean.*total/)
    expect(more).toEqual([])
  })

  test('functions that call each other in a circle are refused, and all endpoints that reach them', () => {
    const errors = errorsOf([{ function: 'Run Function', name: 'a' }], {
      a: { function_stack: [{ function: 'Run Function', name: 'b' }] },
      b: { function_stack: [{ function: 'Run Function', name: 'c' }] },
      c: { function_stack: [{ function: 'Run Function', name: 'a' }] },
      d: { function_stack: [{ function: 'Run Function', name: 'd' }] },
    })
    expect(errors.some((error) => error.includes('a → b → c → a'))).toBe(true)
    expect(errors.some((error) => error.includes('d → d'))).toBe(true)
    expect(errors.some((error) => error.startsWith('endpoints/e.json'))).toBe(true)
  })

  test.each([
    ['Break', 'loop'],
    ['Continue', 'loop'],
    ['Return', 'function file'],
  ])('%s where there is nothing to leave is an error', (name, word) => {
    const [error] = errorsOf([{ function: name }])
    expect(error).toContain(word)
  })

  test('no branch of Parallel leaves what is around it', () => {
    const branch = (step: unknown) => [
      { function: 'For', count: 2, inner_functions: [{ function: 'Parallel', branches: [[step]] }] },
    ]
    expect(errorsOf(branch({ function: 'Break' }))).toHaveLength(1)
    expect(errorsOf(branch({ function: 'Continue' }))).toHaveLength(1)
    const [error] = errorsOf([{ function: 'Run Function', name: 'f' }], {
      f: { function_stack: branch({ function: 'Return' }) },
    })
    expect(error).toMatch(/^functions\/f\.json.*Return/)
    expect(
      errorsOf([
        {
          function: 'Parallel',
          branches: [branch({ function: 'Group', steps: [{ function: 'Sleep', duration: 0 }] })],
        },
      ]),
    ).toEqual([])
  })
})
