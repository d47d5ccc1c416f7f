import { describe, expect, test } from 'vitest'
import { contents, ndjsonLines } from '@streamstack/test-support/http-client'
import { type Files } from '@streamstack/test-support/temp-workspace'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

const fails = (message = 'oops') => ({ function: 'Throw Error', message })
const stop = { function: 'Stop' }
const leave = { function: 'Break' }
const next = { function: 'Continue' }
const back = (value: unknown) => ({ function: 'Return', value })
const attempt = (tries: unknown[], { caught, last }: { caught?: unknown[]; last?: unknown[] }) => ({
  function: 'Try/Catch Block',
  try_block: tries,
  ...(caught === undefined ? {} : { catch_block: caught }),
  ...(last === undefined ? {} : { finally_block: last }),
})
const loop = (count: number, ...inner_functions: unknown[]) => ({ function: 'For', count, inner_functions })
const run = (name: string, as?: string) => ({ function: 'Run Function', name, ...(as === undefined ? {} : { as }) })
const NEVER = send('never')

interface Case {
  title: string
  stack: unknown[]
  sends: unknown[]
  /** Default: completed. */
  fails?: string
  functions?: Readonly<Record<string, unknown[]>>
}

const cases: Case[] = [
  {
    title: 'Break leaves through every finally on the way, inner first, once',
    stack: [
      loop(
        3,
        send('in'),
        attempt([attempt([leave, NEVER], { last: [send('f1')] }), NEVER], { last: [send('f2')] }),
        NEVER,
      ),
      send('after'),
    ],
    sends: ['in', 'f1', 'f2', 'after'],
  },
  {
    title: 'Continue leaves through finally and goes on with the next round',
    stack: [loop(2, attempt([send('{{loop_index}}'), next, NEVER], { last: [send('f')] }), NEVER), send('after')],
    sends: [0, 'f', 1, 'f', 'after'],
  },
  {
    title: 'Break ends the inner loop alone',
    stack: [loop(2, loop(5, send('{{loop_index}}'), leave), send('outer {{loop_index}}'))],
    sends: [0, 'outer 0', 0, 'outer 1'],
  },
  {
    title: 'Continue in a While looks at the condition again',
    stack: [
      { function: 'Create Variable', name: 'n', value: 0 },
      {
        function: 'While Loop',
        condition: '{{n}} < 3',
        inner_logic: [{ function: 'Update Variable', name: 'n', value: '{{n + 1}}' }, send('{{n}}'), next, NEVER],
      },
      send('after'),
    ],
    sends: [1, 2, 3, 'after'],
  },
  {
    title: 'Break in a catch block leaves the loop, and the finally of the same block runs',
    stack: [
      loop(2, attempt([fails()], { caught: [send('c'), leave, NEVER], last: [send('f')] }), NEVER),
      send('after'),
    ],
    sends: ['c', 'f', 'after'],
  },
  {
    title: 'Break in a finally block takes the place of the error',
    stack: [loop(2, attempt([fails()], { last: [send('f'), leave] }), NEVER), send('after')],
    sends: ['f', 'after'],
  },
  {
    title: 'a catch block takes the error of the innermost block alone',
    stack: [
      attempt([attempt([fails('inner')], { caught: [send('c1 {{error_message}}')] }), send('between')], {
        caught: [NEVER],
      }),
      send('after'),
    ],
    sends: ['c1 inner', 'between', 'after'],
  },
  {
    title: 'an error in a catch block goes out, after the finally of its block',
    stack: [
      attempt([attempt([fails('a')], { caught: [fails('b')], last: [send('f')] })], {
        caught: [send('{{error_message}}')],
      }),
      send('after'),
    ],
    sends: ['f', 'b', 'after'],
  },
  {
    title: 'an error in a finally block takes the place of the first',
    stack: [attempt([fails('first')], { last: [send('f'), fails('second')] }), NEVER],
    sends: ['f'],
    fails: 'second',
  },
  {
    title: 'an error in a finally block of a part that went well is an error',
    stack: [attempt([send('ok')], { last: [fails('late')] }), NEVER],
    sends: ['ok'],
    fails: 'late',
  },
  {
    title: 'an uncaught error runs every finally on its way',
    stack: [attempt([attempt([fails('gone')], { last: [send('f1')] }), NEVER], { last: [send('f2')] }), NEVER],
    sends: ['f1', 'f2'],
    fails: 'gone',
  },
  {
    title: 'finally runs once when all goes well',
    stack: [attempt([send('t')], { caught: [NEVER], last: [send('f')] }), send('after')],
    sends: ['t', 'f', 'after'],
  },
  {
    title: 'finally runs once after a catch',
    stack: [attempt([fails()], { caught: [send('c')], last: [send('f')] }), send('after')],
    sends: ['c', 'f', 'after'],
  },
  {
    title: 'Stop goes past catch blocks, through finally blocks, and completes',
    stack: [
      attempt([attempt([stop, NEVER], { caught: [NEVER], last: [send('f1')] }), NEVER], {
        caught: [NEVER],
        last: [send('f2')],
      }),
      NEVER,
    ],
    sends: ['f1', 'f2'],
  },
  {
    title: 'Stop in a catch block and in a finally block',
    stack: [attempt([fails()], { caught: [attempt([send('c')], { last: [stop, NEVER] }), NEVER] }), NEVER],
    sends: ['c'],
  },
  {
    title: 'Stop in a function ends the whole run, through the finally of the caller',
    functions: { ends: [attempt([stop], { last: [send('inside')] }), NEVER] },
    stack: [attempt([run('ends'), NEVER], { caught: [NEVER], last: [send('outside')] }), NEVER],
    sends: ['inside', 'outside'],
  },
  {
    title: 'Return leaves loops and finally blocks of the function alone',
    functions: { gives: [loop(3, attempt([back('{{loop_index + 40}}'), NEVER], { last: [send('f')] }), NEVER), NEVER] },
    stack: [loop(2, run('gives', 'got'), send('{{got}}'))],
    sends: ['f', 40, 'f', 40],
  },
  {
    title: 'Return in a finally block takes the place of the error',
    functions: { gives: [attempt([fails()], { last: [back('saved')] })] },
    stack: [run('gives', 'got'), send('{{got}}')],
    sends: ['saved'],
  },
  {
    title: 'an error in a function is caught by its caller',
    functions: { breaks: [attempt([fails('inside')], { last: [send('f')] }), NEVER] },
    stack: [attempt([run('breaks'), NEVER], { caught: [send('{{error_message}}')] }), send('after')],
    sends: ['f', 'inside', 'after'],
  },
  {
    title: 'a loop that an error left begins anew',
    stack: [loop(2, attempt([loop(3, send('{{loop_index}}'), fails())], { caught: [send('c{{loop_index}}')] }))],
    sends: [0, 'c0', 0, 'c1'],
  },
  {
    title: 'after a wait all is as before',
    stack: [
      loop(
        2,
        attempt([{ function: 'Sleep', duration: 1 }, fails('e{{loop_index}}')], {
          caught: [{ function: 'Sleep', duration: 1 }, send('{{error_message}}'), next, NEVER],
          last: [{ function: 'Sleep', duration: 1 }, send('f')],
        }),
        NEVER,
      ),
    ],
    sends: ['e0', 'f', 'e1', 'f'],
  },
]

describe('leaving blocks', () => {
  test.each(cases.map((one) => [one.title, one] as const))(
    '%s',
    async (_, { stack, sends, fails: failure, functions = {} }) => {
      const files: Record<string, unknown> = { 'endpoints/e.json': endpoint('/e', [send('begin'), ...stack]) }
      for (const [name, inner] of Object.entries(functions)) files[`functions/${name}.json`] = { function_stack: inner }
      await using server = await testServer(files)
      const answer = await server.call('/e?format=ndjson')
      expect(answer.status).toBe(200)
      expect(contents(answer.text)).toEqual(['begin', ...sends])
      expect(answer.text).not.toContain('never')
      const end = ndjsonLines(answer.text).at(-1)
      if (failure === undefined) expect(end).toMatchObject({ outcome: 'completed', error: null })
      else expect(end).toMatchObject({ outcome: 'failed', error: { message: failure } })
      expect(ndjsonLines(answer.text).filter(({ type }) => type === 'error')).toHaveLength(
        failure === undefined ? 0 : 1,
      )
    },
  )
})

describe('a cancel', () => {
  const sleep = { function: 'Sleep', duration: 3_600_000 }
  const cancelled = async (files: Files, path = '/e'): Promise<unknown[]> => {
    await using server = await testServer(files)
    const open = await server.open(`${path}?format=ndjson`)
    await open.until('"waiting')
    await server.call(`/v1/runs/${open.headers['stream-run'] as string}/cancel`, { method: 'POST' })
    const { text, ending } = await open.ended
    expect(ending).toBe('clean')
    expect(ndjsonLines(text).at(-1)).toMatchObject({ type: 'end', outcome: 'cancelled' })
    expect(text).not.toContain('never')
    return contents(text)
  }

  test.each<[string, unknown[], unknown[]]>([
    ['ends a Sleep', [send('waiting'), sleep, NEVER], ['waiting']],
    [
      'runs every finally on its way, inner first, and no catch',
      [
        attempt([attempt([send('waiting'), sleep, NEVER], { caught: [NEVER], last: [send('f1')] }), NEVER], {
          caught: [NEVER],
          last: [send('f2')],
        }),
        NEVER,
      ],
      ['waiting', 'f1', 'f2'],
    ],
    [
      'reaches all branches of Parallel, and their finally blocks',
      [
        {
          function: 'Parallel',
          branches: [
            [attempt([sleep], { last: [send('a')] }), NEVER],
            [attempt([send('waiting'), sleep], { last: [send('b')] }), NEVER],
          ],
        },
        NEVER,
      ],
      ['waiting', 'a', 'b'],
    ],
    [
      'ends a loop that never waits',
      [
        send('waiting'),
        attempt(
          [
            {
              function: 'While Loop',
              condition: true,
              inner_logic: [{ function: 'Create Variable', name: 'x', value: 1 }],
            },
          ],
          { caught: [NEVER], last: [send('f')] },
        ),
        NEVER,
      ],
      ['waiting', 'f'],
    ],
    [
      'is not undone by an error in a finally block with a catch around it',
      [
        attempt([attempt([send('waiting'), sleep], { last: [fails('in the end')] }), NEVER], { caught: [NEVER] }),
        NEVER,
      ],
      ['waiting'],
    ],
    [
      'is not undone by a Break in a finally block',
      [loop(3, attempt([send('waiting'), sleep], { last: [leave] })), NEVER],
      ['waiting'],
    ],
    [
      'lets a finally block have a loop with a Break of its own',
      [loop(3, attempt([send('waiting'), sleep], { last: [loop(3, leave, NEVER), send('f')] })), NEVER],
      ['waiting', 'f'],
    ],
    [
      'is not undone by a Stop in a finally block',
      [attempt([send('waiting'), sleep], { last: [send('f'), stop] }), NEVER],
      ['waiting', 'f'],
    ],
    [
      'does not wait for a finally block that waits',
      [
        attempt([attempt([send('waiting'), sleep], { last: [send('f1'), sleep, NEVER] })], { last: [send('f2')] }),
        NEVER,
      ],
      ['waiting', 'f1', 'f2'],
    ],
  ])('%s', async (_, stack, sends) => {
    expect(
      await cancelled({ 'endpoints/e.json': endpoint('/e', stack, { settings: { max_iterations: 1e12 } }) }),
    ).toEqual(sends)
  })

  test('reaches into functions and runs the finally blocks of function and caller', async () => {
    expect(
      await cancelled({
        'functions/waits.json': {
          function_stack: [attempt([send('waiting'), sleep], { caught: [NEVER], last: [send('in')] }), NEVER],
        },
        'endpoints/e.json': endpoint('/e', [
          attempt([run('waits'), NEVER], { caught: [NEVER], last: [send('out')] }),
          NEVER,
        ]),
      }),
    ).toEqual(['waiting', 'in', 'out'])
  })
})

describe('limits', () => {
  const endless = (...inner: unknown[]) => ({ function: 'While Loop', condition: true, inner_logic: inner })
  const set = { function: 'Create Variable', name: 'x', value: 1 }

  test.each<[string, object, unknown[], Record<string, unknown[]>?]>([
    ['max_duration', { max_duration: 50 }, [send('a'), { function: 'Sleep', duration: 3_600_000 }]],
    ['max_duration', { max_duration: 50, max_iterations: 1e12 }, [send('a'), endless(set)]],
    ['max_chunks', { max_chunks: 10 }, [endless(send('a'))]],
    ['max_bytes', { max_bytes: 1_000 }, [endless(send('a'.repeat(100)))]],
    ['max_iterations', { max_iterations: 1_000 }, [send('a'), endless(set)]],
  ])('%s ends the run as failed, and says which bound it was: %j', async (name, settings, stack) => {
    await using server = await testServer({
      'endpoints/e.json': endpoint(
        '/e',
        [attempt(stack, { last: [{ function: 'Log', message: 'cleaned up', level: 'debug' }] }), NEVER],
        { settings },
      ),
    })
    const { text } = await server.call('/e?format=ndjson')
    const lines = ndjsonLines(text)
    expect(lines.at(-1)).toMatchObject({ type: 'end', outcome: 'failed', error: { code: 'limit_exceeded' } })
    expect(lines.at(-1)?.error?.message).toContain(name)
    expect(contents(text).length).toBeLessThanOrEqual(10)
    expect(text).not.toContain('never')
  })

  test('max_chunks is exact', async () => {
    await using server = await testServer({
      'endpoints/e.json': endpoint('/e', [loop(5, send('{{loop_index}}'))], { settings: { max_chunks: 5 } }),
      'endpoints/f.json': endpoint('/f', [loop(6, send('{{loop_index}}'))], { settings: { max_chunks: 5 } }),
    })
    expect((await server.call('/e?format=sse')).text).toContain('"outcome":"completed"')
    const over = await server.call('/f?format=ndjson')
    expect(contents(over.text)).toEqual([0, 1, 2, 3, 4])
    expect(over.text).toContain('"outcome":"failed"')
  })

  test('max_stack_depth bounds calls inside calls', async () => {
    await using server = await testServer({
      'streamstack.yaml': { limits: { max_stack_depth: 2 } },
      'functions/one.json': { function_stack: [send('one'), run('two')] },
      'functions/two.json': { function_stack: [send('two'), run('three')] },
      'functions/three.json': { function_stack: [NEVER] },
      'endpoints/e.json': endpoint('/e', [run('one')]),
    })
    const { text } = await server.call('/e?format=ndjson')
    expect(contents(text)).toEqual(['one', 'two'])
    expect(ndjsonLines(text).at(-1)?.error).toMatchObject({ code: 'limit_exceeded' })
    expect(text).toContain('max_stack_depth')
    expect(text).not.toContain('never')
  })

  test('a catch block that swallows the limit of chunks cannot go on for ever', async () => {
    await using server = await testServer({
      'endpoints/e.json': endpoint('/e', [endless(attempt([send('a')], { caught: [set] }))], {
        settings: { max_chunks: 3, max_iterations: 1_000 },
      }),
    })
    const { text } = await server.call('/e?format=ndjson')
    expect(contents(text)).toEqual(['a', 'a', 'a'])
    expect(ndjsonLines(text).at(-1)).toMatchObject({ outcome: 'failed' })
  })

  test('a loop that never waits delays no other call', async () => {
    await using server = await testServer({
      'endpoints/busy.json': endpoint('/busy', [send('busy'), endless(set), NEVER], {
        settings: { max_iterations: 1e12 },
      }),
      'endpoints/ticks.json': endpoint('/ticks', [
        loop(10, send('{{loop_index}}'), { function: 'Sleep', duration: 5 }),
      ]),
    })
    const busy = await Promise.all([server.open('/busy?format=ndjson'), server.open('/busy?format=ndjson')])
    const ticks = await Promise.all([1, 2, 3].map(() => server.call('/ticks?format=ndjson')))
    for (const { text } of ticks) expect(contents(text)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    for (const open of busy) {
      expect(open.text).not.toContain('"end"')
      await server.call(`/v1/runs/${open.headers['stream-run'] as string}/cancel`, { method: 'POST' })
      expect((await open.ended).text).toContain('"outcome":"cancelled"')
    }
  })
})

describe('Parallel', () => {
  const branches = (...stacks: unknown[][]) => ({ function: 'Parallel', branches: stacks })
  const pause = { function: 'Sleep', duration: 5 }

  test('keeps the order within each branch', async () => {
    await using server = await testServer({
      'endpoints/e.json': endpoint('/e', [
        branches(
          [loop(20, send({ a: '{{loop_index}}' }), { function: 'Sleep', duration: 1 })],
          [loop(20, send({ b: '{{loop_index}}' }))],
          [loop(20, send({ c: '{{loop_index}}' }), { function: 'Sleep', duration: 2 })],
        ),
        send('after'),
      ]),
    })
    const sent = contents((await server.call('/e?format=ndjson')).text) as Record<string, number>[]
    expect(sent.at(-1)).toBe('after')
    for (const name of ['a', 'b', 'c']) {
      expect(sent.flatMap((one) => (typeof one === 'object' && name in one ? [one[name]] : []))).toEqual(
        Array.from({ length: 20 }, (_, i) => i),
      )
    }
    const slowAt = sent.findIndex((one) => 'c' in one && one['c'] === 19)
    expect(sent.findIndex((one) => 'b' in one && one['b'] === 19)).toBeLessThan(slowAt)
  })

  test('runs no more branches at once than it may', async () => {
    const branch = (n: number): unknown[] => [send(`begin ${n}`), pause, send(`end ${n}`)]
    await using server = await testServer({
      'endpoints/e.json': endpoint('/e', [{ ...branches(...[1, 2, 3, 4, 5].map(branch)), at_once: 2 }]),
    })
    const sent = contents((await server.call('/e?format=ndjson')).text) as string[]
    let open = 0
    let most = 0
    for (const one of sent) {
      open += one.startsWith('begin') ? 1 : -1
      most = Math.max(most, open)
    }
    expect(most).toBe(2)
    expect(sent).toHaveLength(10)
  })

  test.each([
    ['stop_others', ['cleaned'], 'failed'],
    ['wait_for_others', ['slow', 'cleaned'], 'failed'],
    ['ignore', ['slow', 'cleaned', 'after'], 'completed'],
  ])('when a branch fails: %s', async (policy, sends, outcome) => {
    await using server = await testServer({
      'endpoints/e.json': endpoint('/e', [
        {
          ...branches(
            [pause, fails('down')],
            [attempt([{ function: 'Sleep', duration: 60 }, send('slow')], { last: [send('cleaned')] })],
          ),
          on_error: policy,
        },
        send('after'),
      ]),
    })
    const { text } = await server.call('/e?format=ndjson')
    expect(contents(text)).toEqual(sends)
    expect(ndjsonLines(text).at(-1)).toMatchObject({ outcome })
    if (outcome === 'failed') expect(text).toContain('"message":"down"')
  })

  test('a failed branch is caught around it, and the run goes on', async () => {
    await using server = await testServer({
      'endpoints/e.json': endpoint('/e', [
        attempt([branches([pause, fails('down')], [{ function: 'Sleep', duration: 3_600_000 }, NEVER])], {
          caught: [send('{{error_message}}')],
        }),
        branches([send('again')]),
      ]),
    })
    expect(contents((await server.call('/e?format=ndjson')).text)).toEqual(['down', 'again'])
  })

  test('Stop in a branch ends the run, through the finally blocks of the others', async () => {
    await using server = await testServer({
      'endpoints/e.json': endpoint('/e', [
        branches(
          [pause, stop],
          [attempt([{ function: 'Sleep', duration: 3_600_000 }, NEVER], { last: [send('cleaned')] })],
        ),
        NEVER,
      ]),
    })
    const { text } = await server.call('/e?format=ndjson')
    expect(contents(text)).toEqual(['cleaned'])
    expect(text).toContain('"outcome":"completed"')
  })

  test('branches of branches, in a loop, in a function', async () => {
    await using server = await testServer({
      'functions/twice.json': {
        input_parameters: { n: { type: 'integer', required: true } },
        function_stack: [branches([branches([send('{{n}}a')], [send('{{n}}b')])], [send('{{n}}c')]), back('{{n * 2}}')],
      },
      'endpoints/e.json': endpoint('/e', [
        loop(
          3,
          { function: 'Run Function', name: 'twice', inputs: { n: '{{loop_index}}' }, as: 'double' },
          send('{{double}}'),
        ),
      ]),
    })
    const sent = contents((await server.call('/e?format=ndjson')).text)
    for (const n of [0, 1, 2]) {
      const round = sent.slice(n * 4, n * 4 + 4)
      expect(new Set(round.slice(0, 3))).toEqual(new Set([`${n}a`, `${n}b`, `${n}c`]))
      expect(round[3]).toBe(n * 2)
    }
  })
})
