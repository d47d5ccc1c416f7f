import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { call } from '@streamstack/test-support/http-client'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { openWebSocket } from '@streamstack/test-support/websocket-client'
import { Engine, type Mode } from '../engine/index.ts'
import { startServer } from './index.ts'

const SECRET = 'plain "secret" value-xyz'
const KEY = '{{env.API_KEY}}'

/** Steps that put a secret of the workspace where it does not belong. */
const STEPS: Readonly<Record<string, object>> = {
  log: { function: 'Log', message: `the key is ${KEY}`, level: 'warn', data: { key: KEY, list: [[KEY]] } },
  refused: {
    function: 'External API Request',
    url: `http://127.0.0.1:9/x?key=${KEY}`,
    headers: { Authorization: KEY },
  },
  unknown: { function: 'External API Request', url: `https://nowhere.invalid/${KEY}` },
  throw: { function: 'Throw Error', message: `The key ${KEY} is wrong.`, code: 'wrong_key', status: 409 },
  parse: send('{{JSON.parse(env.API_KEY)}}'),
  record: { function: 'Add Record', table: 'counts', record: { count: KEY } },
}

/** All that callers and the log get of them. */
async function told(mode: Mode): Promise<{ answers: string; log: string; audit: string }> {
  const lines: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  await using workspace = await tempWorkspace({
    'streamstack.yaml': { env: ['API_KEY'], audit: { enabled: true } },
    '.env': `API_KEY='${SECRET}'\n`,
    'tables/counts.json': { columns: { id: { type: 'integer', primary: true }, count: { type: 'integer' } } },
    ...Object.fromEntries(
      Object.entries(STEPS).flatMap(([name, step]) => [
        [`endpoints/${name}.json`, endpoint(`/${name}`, [step])],
        [
          `endpoints/${name}-caught.json`,
          endpoint(`/${name}/caught`, [
            { function: 'Try/Catch Block', try_block: [step], catch_block: [send('{{error_message}} {{error}}')] },
          ]),
        ],
      ]),
    ),
  })
  const data = join(workspace.dir, 'data')
  const engine = await Engine.open({ dir: workspace.dir, log, dataFolder: data, serves: true, mode })
  const server = await startServer({ engine, host: '127.0.0.1', port: 0 })
  const answers: string[] = []
  for (const name of Object.keys(STEPS)) {
    for (const path of [`/${name}`, `/${name}?format=sse`, `/${name}/caught?format=ndjson`]) {
      const headers: Record<string, string> = mode === 'dev' ? { 'Stream-Trace': 'variables' } : {}
      const { text, headers: answered } = await call(server.url, path, { headers })
      const run = String(answered['stream-run'])
      answers.push(text, (await call(server.url, `/v1/runs/${run}`)).text)
      if (mode === 'dev') answers.push((await call(server.url, `/v1/stream/runs/${run}/trace?format=ndjson`)).text)
    }
  }
  await using socket = await openWebSocket(server.url)
  socket.send({ type: 'call', id: 'a', endpoint: 'GET /throw' })
  await socket.until(({ type }) => type === 'end')
  answers.push(JSON.stringify(socket.messages))
  await server.close()
  await engine.close()
  const folder = join(data, 'audit')
  const audit = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
  return { answers: answers.join('\n'), log: lines.join(''), audit: audit.join('') }
}

test.each(['serve', 'dev'] as const)(
  'a secret of the workspace is in no error, log, trace or audit: %s',
  async (mode) => {
    const { answers, log, audit } = await told(mode)
    for (const text of [answers, log, audit]) {
      expect(text).not.toContain('value-xyz')
      expect(text).not.toContain(encodeURIComponent(SECRET))
    }
    // The rest of what was said is there.
    expect(log).toContain('the key is ••••••')
    expect(log).toContain('wrong_key')
    expect(answers).toContain('The key •••••• is wrong.')
    expect(answers).toContain('"code":"wrong_key"')
  },
)
