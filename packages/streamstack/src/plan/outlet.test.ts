import type { Chunk } from '@streamstack/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChunkFilter, Program, Run, RunState } from '../run/index.ts'
import { type Plan, firstFrame } from './index.ts'
import { type FinishedRun, planOf, runFrame } from './testing/run-stack.ts'

interface Held {
  text: string
}

/** Writes text in capitals and holds back its last three characters. */
const capitals: ChunkFilter<Held> = {
  initial: () => ({ text: '' }),
  push(state, chunk) {
    if (chunk.kind !== 'text') return [chunk]
    const text = state.text + chunk.data.toUpperCase()
    state.text = text.slice(-3)
    return text.length > 3 ? [{ ...chunk, data: text.slice(0, -3) }] : []
  },
  flush(state) {
    const chunk: Chunk = { kind: 'text', data: state.text, metadata: null }
    state.text = ''
    return chunk.data === '' ? [] : [chunk]
  },
}

/** Refuses a text that holds `options`, also when it is cut anywhere. */
const refusing: ChunkFilter<Held & { word: string }> = {
  initial: (options) => ({ text: '', word: JSON.stringify(options).slice(1, -1) }),
  push(state, chunk) {
    state.text += chunk.data
    if (state.text.includes(state.word)) throw new Error('refused')
    return [chunk]
  },
  flush: () => [],
}

function planned(stack: readonly unknown[]): Plan {
  const { plan, issues } = planOf(stack)
  expect(issues).toEqual([])
  return plan as Plan
}

function withFilters(plan: Plan, ...filters: ChunkFilter<unknown>[]): ReadonlyMap<string, Program> {
  return new Map([...plan.programs].map(([name, program]) => [name, { ...program, filters }]))
}

const send = (content: unknown): unknown => ({ function: 'Streaming API Response', content })

async function filtered(
  stack: readonly unknown[],
  filters: readonly ChunkFilter<unknown>[],
  attach: (run: Run) => void,
): Promise<FinishedRun> {
  const plan = planned(stack)
  return runFrame(withFilters(plan, ...filters), firstFrame(plan, {}, null), { onRun: attach })
}

test('text passes the filters in their order, across chunks; what is held back goes out before another kind and at the end', async () => {
  const { contents, outcome } = await filtered(
    [send('abcd'), send('efg'), send({ n: 1 }), send('hi'), send('jkl')],
    [capitals],
    (run) => run.outlet.attach('', 0),
  )
  expect(contents).toEqual(['A', 'BCD', 'EFG', { n: 1 }, 'HI', 'JKL'])
  expect(outcome).toBe('completed')
})

test('a filter is attached once, with what the step gave it, and its error fails the run without the chunk', async () => {
  const attach = (run: Run): void => {
    run.outlet.attach('', 0, 'secret')
    run.outlet.attach('', 0, 'other')
  }
  const { contents, outcome } = await filtered([send('a sec'), send('ret word'), send('after')], [refusing], attach)
  expect(contents).toEqual(['a sec'])
  expect(outcome).toBe('failed')
})

test('a message passes the filters whole, and leaves alone what they hold of the answer', async () => {
  const messages: unknown[] = []
  const { contents } = await filtered([send('abcdef')], [capitals, refusing], (run) => {
    messages.push(run.outlet.message('unfiltered'))
    run.outlet.attach('', 0)
    messages.push(run.outlet.message('message'), run.outlet.message({ n: 1 }))
    run.outlet.attach('', 1, 'BAD')
    expect(() => run.outlet.message('a bad word')).toThrow('refused')
  })
  expect(messages).toEqual(['unfiltered', 'MESSAGE', { n: 1 }])
  expect(contents).toEqual(['ABC', 'DEF'])
})

test('a filter that is detached gives what it holds to those behind it', async () => {
  const plan = planned([send('abcdef'), send('ghi')])
  let outlet: Run['outlet'] | undefined
  const program = withFilters(plan, capitals, capitals).get('') as Program
  const ops = [...program.ops]
  const [first] = ops
  // The op of the first chunk, and then a detach as a step would do it.
  ops[0] = (frame, strand) => {
    const wait = first?.(frame, strand)
    void outlet?.detach('', 0)
    return wait
  }
  const { contents } = await runFrame(new Map([['', { ...program, ops }]]), firstFrame(plan, {}, null), {
    onRun: (run) => {
      ;({ outlet } = run)
      run.outlet.attach('', 0)
      run.outlet.attach('', 1)
    },
  })
  expect(contents.map(String).join('')).toBe('ABCDEFGHI')
})

/** Runs a stack and gives clones of its state before each op, with how many chunks were sent by then. */
async function cloned(
  plan: Plan,
  programs: ReadonlyMap<string, Program>,
  attach: (run: Run) => void,
): Promise<{ whole: FinishedRun; states: { state: RunState; seen: number }[] }> {
  const states: { state: RunState; seen: number }[] = []
  let run: Run | undefined
  const look = (pc: number): void => {
    const state = structuredClone((run as Run).state)
    state.frame.pc = pc
    expect(state.chunksSent).toBe((run as Run).stream.lastOffset)
    states.push({ state, seen: state.chunksSent })
  }
  const watch = (program: Program): Program => ({
    ...program,
    ops: program.ops.map((op, pc): Program['ops'][number] => (frame, strand) => {
      look(pc)
      return op(frame, strand)
    }),
  })
  const watched = new Map([...programs].map(([name, program]) => [name, watch(program)]))
  const whole = await runFrame(watched, firstFrame(plan, {}, null), {
    onRun: (one) => {
      run = one
      attach(one)
    },
  })
  return { whole, states }
}

test('a clone of the state of a run, taken at any op, goes on as the run itself: counters, filters and what they hold', async () => {
  const words = fc.array(
    fc.oneof(
      fc.string({ minLength: 1, maxLength: 6 }).filter((text) => !text.includes('{{')),
      fc.record({ n: fc.nat() }),
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  await fc.assert(
    fc.asyncProperty(words, async (contents) => {
      const plan = planned([{ function: 'For Each', input: contents, inner_functions: [send('{{item}}')] }])
      const programs = withFilters(plan, capitals)
      const { whole, states } = await cloned(plan, programs, ({ outlet }) => outlet.attach('', 0))
      for (const { state, seen } of states) {
        const rest = await runFrame(programs, state)
        expect([...whole.contents.slice(0, seen), ...rest.contents]).toEqual(whole.contents)
        expect(state.chunksSent).toBe(whole.contents.length)
        expect(state.iterations).toBe(contents.length)
      }
    }),
    { numRuns: 30 },
  )
})

test('the hash of a plan changes with its steps, and not with where they stand', () => {
  const hash = (...stack: unknown[]): string => planned(stack).hash
  expect(hash(send('a'))).toBe(hash(send('a')))
  expect(hash(send('a'))).not.toBe(hash(send('b')))
  expect(hash(send('a'))).not.toBe(hash(send('a'), send('a')))
})

test('a clone goes on with text that is joined to pieces', async () => {
  const texts = fc.array(fc.constantFrom('one ', 'tw', 'o three', ' four', ' ', 'five six seven eight '), {
    minLength: 1,
    maxLength: 8,
  })
  await fc.assert(
    fc.asyncProperty(texts, async (contents) => {
      const joined = {
        function: 'Streaming API Response',
        content: '{{item}}',
        chunk_by: 'words',
        chunk_size: 2,
        join: true,
      }
      const plan = planned([{ function: 'For Each', input: contents, inner_functions: [joined] }])
      const { whole, states } = await cloned(plan, plan.programs, () => undefined)
      expect(whole.contents.map(String).join('')).toBe(contents.join(''))
      for (const { state, seen } of states) {
        const rest = await runFrame(plan.programs, state)
        expect([...whole.contents.slice(0, seen), ...rest.contents]).toEqual(whole.contents)
      }
    }),
    { numRuns: 30 },
  )
})

test('a filter sees smoothed text before it is smoothed', async () => {
  const smooth = (content: string): object => ({ function: 'Streaming API Response', content, pacing: 'smooth' })
  const { contents } = await filtered(
    [smooth('abcd'), smooth('efgh'), send({ n: 1 }), smooth('ij')],
    [capitals],
    (run) => run.outlet.attach('', 0),
  )
  const at = contents.findIndex((content) => typeof content === 'object')
  expect(contents.slice(0, at).map(String).join('')).toBe('ABCDEFGH')
  expect(
    contents
      .slice(at + 1)
      .map(String)
      .join(''),
  ).toBe('IJ')
})

test('text that is joined is never lost or moved, whatever is sent between: other steps, kinds, units and branches', async () => {
  const kinds = fc.constantFrom('text', 'reasoning', 'json', 'plain')
  const steps = fc.array(
    fc.tuple(kinds, fc.constantFrom('words', 'characters'), fc.constantFrom('a', 'b c', ' d', 'e f g ')),
    {
      minLength: 1,
      maxLength: 10,
    },
  )
  const step = ([kind, unit, text]: [string, string, string]): object =>
    kind === 'json'
      ? { function: 'Streaming API Response', content: { text } }
      : kind === 'plain'
        ? { function: 'Streaming API Response', content: text }
        : { function: 'Streaming API Response', content: text, kind, chunk_by: unit, chunk_size: 2, join: true }
  const merged = (contents: readonly unknown[]): string =>
    contents.map((one) => (typeof one === 'string' ? one : `{${(one as { text: string }).text}}`)).join('')
  await fc.assert(
    fc.asyncProperty(steps, steps, async (first, second) => {
      const { plan } = planOf(first.map(step))
      const { contents } = await runFrame((plan as Plan).programs, firstFrame(plan as Plan, {}, null))
      expect(merged(contents)).toBe(first.map(([kind, , text]) => (kind === 'json' ? `{${text}}` : text)).join(''))
      const parallel = planOf([{ function: 'Parallel', branches: [first.map(step), second.map(step)] }]).plan as Plan
      const both = await runFrame(parallel.programs, firstFrame(parallel, {}, null))
      const letters = (text: string): string => text.split('').toSorted().join('')
      const all = [...first, ...second].map(([kind, , text]) => (kind === 'json' ? `{${text}}` : text)).join('')
      expect(letters(merged(both.contents))).toBe(letters(all))
    }),
    { numRuns: 60 },
  )
})
