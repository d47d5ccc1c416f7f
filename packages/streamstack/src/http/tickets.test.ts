import { pino } from 'pino'
import { expect, test } from 'vitest'
import { call } from '@streamstack/test-support/http-client'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { makeToken } from '../access/index.ts'
import { Engine } from '../engine/index.ts'
import { startServer } from './index.ts'

const secret = 'a-secret-for-tests-that-is-long-enough'

test('a ticket is in no log, whether it is accepted or not', async () => {
  await using workspace = await tempWorkspace({
    'streamstack.yaml': { auth: { jwt: { secret } } },
    'endpoints/mine.json': endpoint('/mine', [send('You are {{auth.sub}}.')], { settings: { authentication: true } }),
  })
  let logged = ''
  const log = pino({ level: 'trace' }, { write: (line: string) => void (logged += line) })
  const engine = await Engine.open({ dir: workspace.dir, log })
  const calls: unknown[] = []
  const running = await startServer({ engine, host: '127.0.0.1', port: 0, onCall: (one) => calls.push(one) })
  const headers = { Authorization: `Bearer ${await makeToken({ secret, sub: 'ann', expiresSeconds: 300 })}` }
  const answer = await call(running.url, '/v1/tickets', { body: { stream: '/mine' }, headers })
  const { ticket } = JSON.parse(answer.text) as { ticket: string }
  const first = await call(running.url, `/mine?ticket=${ticket}`)
  const second = await call(running.url, `/mine?ticket=${ticket}`)
  await call(running.url, `/mine/${ticket}`)
  await running.close()
  await engine.close()
  expect([first.status, second.status]).toEqual([200, 401])
  expect(calls).toHaveLength(4)
  expect(JSON.stringify(calls) + logged + first.text + second.text + JSON.stringify(first.headers)).not.toContain(
    ticket,
  )
})
