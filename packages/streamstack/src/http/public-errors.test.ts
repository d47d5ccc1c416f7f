import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { call, problem } from '@streamstack/test-support/http-client'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { isError, openWebSocket } from '@streamstack/test-support/websocket-client'
import { Engine, type Mode } from '../engine/index.ts'
import { startServer } from './index.ts'

/** Steps that fail, each with something in it that no caller may learn. */
const FAULTS: Readonly<Record<string, { step: object; code: string; secret: RegExp }>> = {
  expression: {
    step: send('{{JSON.parse("sk-live-4711")}}'),
    code: 'expression_failed',
    secret: /sk-live|JSON\.parse/,
  },
  address: {
    step: { function: 'External API Request', label: 'Ask the vault', url: 'http://127.0.0.1:9/vault?key=hunter2' },
    code: 'upstream_refused',
    secret: /127\.0\.0\.1|vault|hunter2/i,
  },
  unreachable: {
    step: { function: 'External API Request', url: 'http://127.0.0.2:9/vault' },
    code: 'upstream_failed',
    secret: /127\.0\.0\.2|ECONN|vault/,
  },
  column: {
    step: { function: 'Add Record', table: 'salaries', record: { amount: 'a lot' } },
    code: 'record_invalid',
    secret: /amount|salaries/,
  },
  record: {
    step: { function: 'Get Record', table: 'salaries', field_value: 7, required: true },
    code: 'record_missing',
    secret: /salaries/,
  },
  input: {
    step: { function: 'Run Function', name: 'double', inputs: { n: '{{["no number"].join("")}}' } },
    code: 'input_invalid',
    secret: /step 1|step 2|double'/,
  },
  limit: {
    step: { function: 'For', count: 1_000, inner_functions: [{ function: 'Sleep', duration: 0 }] },
    code: 'limit_exceeded',
    secret: /max_iterations/,
  },
}

interface Served extends AsyncDisposable {
  readonly url: string
  readonly log: { fields: object; message: string }[]
}

async function served(mode: Mode, errors?: 'detailed' | 'public'): Promise<Served> {
  const log: Served['log'] = []
  const note = (fields: object, message: string): void => void log.push({ fields, message })
  const settings = { limits: { max_iterations: 500 }, outbound: { allow: ['127.0.0.2:9'] } }
  const workspace = await tempWorkspace({
    'streamstack.yaml': { ...settings, ...(errors === undefined ? {} : { server: { errors } }) },
    'functions/double.json': {
      input_parameters: { n: { type: 'integer', required: true } },
      function_stack: [{ function: 'Return', value: '{{n * 2}}' }],
    },
    'tables/salaries.json': { columns: { id: { type: 'integer', primary: true }, amount: { type: 'integer' } } },
    ...Object.fromEntries(
      Object.entries(FAULTS).flatMap(([name, { step }]) => [
        [`endpoints/${name}.json`, endpoint(`/${name}`, [step])],
        [`endpoints/${name}-late.json`, endpoint(`/${name}/late`, [send('first'), step])],
        [
          `endpoints/${name}-caught.json`,
          endpoint(`/${name}/caught`, [
            {
              function: 'Try/Catch Block',
              try_block: [{ function: 'Try/Catch Block', try_block: [step], finally_block: [send('finally')] }],
              catch_block: [send('Error occurred: {{error_message}}'), send('{{error}}')],
            },
          ]),
        ],
      ]),
    ),
    'endpoints/own-words.json': endpoint('/own-words', [
      { function: 'Throw Error', message: 'No seats left.', code: 'sold_out', status: 409 },
    ]),
    'endpoints/asks.json': endpoint('/asks', [send('{{n}}')], { inputs: { n: { type: 'integer', required: true } } }),
  })
  const engine = await Engine.open({
    dir: workspace.dir,
    log: { debug: note, info: note, warn: note, error: note },
    dataFolder: join(workspace.dir, 'data'),
    serves: true,
    mode,
  })
  const server = await startServer({ engine, host: '127.0.0.1', port: 0 })
  return {
    url: server.url,
    log,
    async [Symbol.asyncDispose]() {
      await server.close()
      await engine.close()
      await workspace[Symbol.asyncDispose]()
    },
  }
}

/** All that a caller can read of one fault. */
async function readAll(url: string, name: string): Promise<{ text: string; runs: string[]; status: number }> {
  const answers = await Promise.all([
    call(url, `/${name}`),
    ...['lines', 'text', 'sse', 'ndjson', 'json'].map((format) => call(url, `/${name}/late?format=${format}`)),
    call(url, `/${name}/caught?format=ndjson`),
  ])
  const runs = answers.map(({ headers }) => String(headers['stream-run'] ?? '')).filter((run) => run !== '')
  const described = await Promise.all(
    runs.flatMap((run) => [
      call(url, `/v1/runs/${run}`),
      call(url, `/v1/stream/runs/${run}?format=sse`),
      call(url, `/v1/stream/runs/${run}?offset=-1`),
    ]),
  )
  await using socket = await openWebSocket(url)
  socket.send({ type: 'call', id: 'late', endpoint: `GET /${name}/late` })
  socket.send({ type: 'call', id: 'early', endpoint: `GET /${name}` })
  await socket.until(({ type }) => type === 'end')
  const told = [...answers, ...described].map(({ text, headers }) => `${text}${JSON.stringify(headers)}`)
  return {
    text: told.join('\n') + JSON.stringify(socket.messages),
    runs,
    status: answers[0]?.status ?? 0,
  }
}

describe.each(Object.entries(FAULTS))('of a fault in the workspace: %s', (name, { code, secret }) => {
  test('a stranger learns its code and the id under which the log has the rest', async () => {
    await using server = await served('serve')
    const { text, runs, status } = await readAll(server.url, name)
    expect(text).not.toMatch(secret)
    expect(text).toContain(`"${code}"`)
    expect(status).toBeGreaterThanOrEqual(400)
    // A problem answer, a chunk, and the text of a catch block.
    for (const run of runs.slice(0, 2)) expect(text).toContain(`(run ${run})`)
    if (code !== 'limit_exceeded') expect(text).toMatch(/Error occurred: [A-Z][^:]*\(run \S+\)\./)
    const logged = JSON.stringify(server.log)
    expect(logged).toMatch(secret)
    for (const run of runs) expect(logged).toContain(run)
  })

  test('a developer learns everything', async () => {
    await using server = await served('dev')
    expect((await readAll(server.url, name)).text).toMatch(secret)
  })
})

test('`server.errors` goes before the mode', async () => {
  await using open = await served('serve', 'detailed')
  expect((await call(open.url, '/column')).text).toContain('salaries')
  await using hidden = await served('dev', 'public')
  expect((await call(hidden.url, '/column')).text).not.toContain('salaries')
})

test('what concerns the caller is told in public, too', async () => {
  await using server = await served('serve')
  expect(problem(await call(server.url, '/own-words'))).toMatchObject({ code: 'sold_out', detail: 'No seats left.' })
  const input = problem(await call(server.url, '/asks?n=x'))
  expect(input).toMatchObject({ code: 'input_invalid', errors: [{ path: 'n' }] })
  expect(problem(await call(server.url, '/missing'))['detail']).toContain('/ lists')
  await using socket = await openWebSocket(server.url)
  socket.send({ type: 'call', id: 'a', endpoint: 'GET /asks', inputs: { n: 'x' } })
  expect((await socket.until(isError('a'))).error.message).toContain('n must be')
})
