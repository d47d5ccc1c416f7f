import { afterAll, describe, expect, test, vi } from 'vitest'
import { WaitingRecordStore } from '../../table/testing/waiting-record-store.ts'
import { functions } from '../index.ts'
import { exampleRunner, expectExample } from '../testing/run-example.ts'

/** How many stores were opened. */
const opened = vi.hoisted(() => ({ count: 0 }))

vi.mock('../../table/sqlite/record-store.ts', async (original) => {
  const engine = await original<typeof import('../../table/sqlite/record-store.ts')>()
  return {
    ...engine,
    openSqliteStore(options: Parameters<typeof engine.openSqliteStore>[0]) {
      opened.count += 1
      return new WaitingRecordStore(engine.openSqliteStore(options))
    },
  }
})

const { runExample, close } = await exampleRunner()
afterAll(close)

const examples = functions.flatMap(({ name, examples: own }) =>
  own.filter(({ tables }) => tables !== undefined).map((example) => [`${name}: ${example.title}`, example] as const),
)

describe('records that answer some turns late', () => {
  test.each(examples)('change nothing for %s', async (_, example) => {
    opened.count = 0
    expectExample(example, await runExample(example))
    // By the server; else the store was not the late one.
    expect(opened.count).toBe(1)
  })
})
