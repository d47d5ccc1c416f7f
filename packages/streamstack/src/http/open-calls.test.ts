import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openCall } from '@streamstack/test-support/http-client'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { Engine } from '../engine/index.ts'
import { startServer } from './index.ts'

const ignore = (): void => {}
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore }

test('a call that goes on has an entry before it is over, so that a crash does not leave it out', async () => {
  await using workspace = await tempWorkspace({
    'streamstack.yaml': { audit: { enabled: true } },
    'endpoints/slow.json': endpoint('/slow', [send('first'), { function: 'Sleep', duration: 60_000 }]),
  })
  const folder = join(workspace.dir, 'data', 'audit')
  const entries = (): { type: string; endpoint?: string; outcome?: string }[] =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.jsonl'))
      .flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
      .map((line) => JSON.parse(line) as { type: string })
  const engine = await Engine.open({ dir: workspace.dir, log, dataFolder: join(workspace.dir, 'data'), serves: true })
  const server = await startServer({ engine, host: '127.0.0.1', port: 0, longCallMs: 50 })
  const open = await openCall(server.url, '/slow')
  await open.until('first')
  const comes = (entry: object): Promise<void> => expect.poll(entries).toContainEqual(expect.objectContaining(entry))
  await comes({ type: 'open', endpoint: 'slow', outcome: 'open' })
  open.leave()
  await comes({ type: 'call', endpoint: 'slow', outcome: 'disconnected' })
  await server.close()
  await engine.close()
  expect(entries().filter(({ endpoint: name }) => name === 'slow')).toHaveLength(2)
})
