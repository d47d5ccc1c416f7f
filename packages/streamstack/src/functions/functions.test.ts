import { readdir } from 'node:fs/promises'
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, contents, ndjsonLines, problem } from '../../../../test/support/http-client.ts'
import { testServer } from '../../../../test/support/test-server.ts'
import { type Example, type ExampleAnswer, functions } from './index.ts'

/** What examples call; the test answers in its place. */
const EXAMPLE_ORIGIN = 'https://api.example.com'

let upstream: Server
let upstreamOrigin: string
const answers = new Map<string, ExampleAnswer>()

beforeAll(async () => {
  upstream = createServer((request, response) => {
    const answer = answers.get(`${EXAMPLE_ORIGIN}${request.url}`)
    response.writeHead(answer?.status ?? (answer === undefined ? 404 : 200), {
      'Content-Type': answer?.type ?? 'text/plain',
    })
    response.end(answer?.body)
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  upstreamOrigin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
})

afterAll(() => {
  upstream.closeAllConnections()
  upstream.close()
})

describe.each(functions.map((definition) => [definition.name, definition] as const))('%s', (_, { examples }) => {
  test('has an example', () => expect(examples).not.toEqual([]))

  test.each(examples.map((example) => [example.title, example] as const))('%s', async (_title, example) => {
    const answer = await runExample(example)
    const lines = ndjsonLines(answer.text)
    if (example.fails === undefined) {
      expect(answer.status).toBe(200)
      expect(lines.at(-1)).toMatchObject({ type: 'end', outcome: 'completed' })
      expect(lines.filter(({ type }) => type === 'error')).toEqual([])
    } else if (example.sends.length === 0) expect(problem(answer)['code']).toBe(example.fails)
    else expect(lines.at(-1)).toMatchObject({ type: 'end', outcome: 'failed', error: { code: example.fails } })
    if (answer.status === 200) expect(contents(answer.text)).toEqual(example.sends)
  })
})

test('the list holds the function of every file of the folder, and nothing else', async () => {
  const folder = new URL('.', import.meta.url)
  const files = (await readdir(folder)).filter((file) => file.endsWith('.ts') && !/test\.ts$|^index\.ts$/.test(file))
  const found: unknown[] = []
  for (const file of files) {
    const exported = Object.values((await import(new URL(file, folder).href)) as object)
    const definitions = exported.filter(
      (one) => typeof one === 'object' && one !== null && 'compile' in one && 'examples' in one,
    )
    expect(definitions.length, `${file} holds one function at most`).toBeLessThanOrEqual(1)
    found.push(...definitions)
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

async function runExample(example: Example): Promise<Answer> {
  answers.clear()
  for (const [url, answer] of Object.entries(example.upstream ?? {})) answers.set(url, answer)
  const inputs = example.inputs ?? {}
  const files: Record<string, unknown> = {
    'streamstack.yaml': { outbound: { allow: [new URL(upstreamOrigin).host] } },
    'endpoints/example.json': JSON.stringify({
      endpoint_settings: { method: 'POST', path: '/example' },
      input_parameters: Object.fromEntries(Object.keys(inputs).map((name) => [name, { type: 'any', required: true }])),
      function_stack: example.stack,
    }).replaceAll(EXAMPLE_ORIGIN, upstreamOrigin),
  }
  for (const [name, file] of Object.entries(example.functions ?? {})) files[`functions/${name}.json`] = file
  for (const [name, file] of Object.entries(example.channels ?? {})) files[`channels/${name}.json`] = file
  const tables = Object.fromEntries(
    Object.entries(example.tables ?? {}).map(([name, { columns, records }]) => [
      name,
      { declaration: { columns }, records },
    ]),
  )
  await using server = await testServer(files, { tables })
  return await server.call('/example?format=ndjson', { body: inputs })
}
