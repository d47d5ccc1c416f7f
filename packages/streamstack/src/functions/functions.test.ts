import { readdir } from 'node:fs/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { functions } from './index.ts'
import { exampleRunner, expectExample } from './testing/run-example.ts'

const { runExample, close } = await exampleRunner()
afterAll(close)

describe.each(functions.map((definition) => [definition.name, definition] as const))('%s', (_, { examples }) => {
  test('has an example', () => expect(examples).not.toEqual([]))

  test.each(examples.map((example) => [example.title, example] as const))('%s', async (_title, example) => {
    expectExample(example, await runExample(example))
  })
})

/** The listing of these is the feature list; `parts` holds what they are made of. */
const ROOMS = ['flow', 'data', 'stream', 'outbound', 'access']

test('every file of a room is a function of the list, and the list holds no other', async () => {
  const folder = new URL('.', import.meta.url)
  const entries = await readdir(folder, { withFileTypes: true })
  const rooms = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  expect(new Set(rooms)).toEqual(new Set([...ROOMS, 'parts', 'testing']))
  const found: unknown[] = []
  for (const room of [...ROOMS, 'parts']) {
    const files = (await readdir(new URL(`${room}/`, folder))).filter((file) => /(?<!test)\.ts$/.test(file))
    for (const file of files) {
      const exported = Object.values((await import(new URL(`${room}/${file}`, folder).href)) as object)
      const definitions = exported.filter(
        (one) => typeof one === 'object' && one !== null && 'compile' in one && 'examples' in one,
      )
      expect(definitions.length, `${room}/${file}`).toBe(room === 'parts' ? 0 : 1)
      found.push(...definitions)
    }
  }
  expect(new Set(functions)).toEqual(new Set(found))
  expect(functions.length).toBe(found.length)
})

test('no name or alias stands for two functions', () => {
  const simplified = functions.flatMap(({ name, aliases = [] }) =>
    [name, ...aliases].map((one) => one.toLowerCase().replaceAll(/[^a-z0-9]/g, '')),
  )
  const twice = simplified.filter((name, index) => simplified.indexOf(name) !== index)
  // `Try Catch` and `Try/Catch` are one function's.
  const owners = twice.map((name) =>
    functions.filter(({ name: own, aliases = [] }) =>
      [own, ...aliases].some((one) => one.toLowerCase().replaceAll(/[^a-z0-9]/g, '') === name),
    ),
  )
  for (const sharing of owners) expect(new Set(sharing).size).toBe(1)
})
