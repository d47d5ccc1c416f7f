import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { type Answer, contents, ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { testServer } from '@streamstack/test-support/test-server'
import type { Example, ExampleAnswer } from '../index.ts'

/** What examples call; the runner answers in its place. */
const EXAMPLE_ORIGIN = 'https://api.example.com'

export interface ExampleRunner {
  /** Serves an example as an endpoint of its own, and calls it. */
  readonly runExample: (example: Example) => Promise<Answer>
  readonly close: () => void
}

export async function exampleRunner(): Promise<ExampleRunner> {
  const answers = new Map<string, ExampleAnswer>()
  const upstream = createServer((request, response) => {
    const answer = answers.get(`${EXAMPLE_ORIGIN}${request.url}`)
    response.writeHead(answer?.status ?? (answer === undefined ? 404 : 200), {
      'Content-Type': answer?.type ?? 'text/plain',
    })
    response.end(answer?.body)
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const upstreamOrigin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`

  async function runExample(example: Example): Promise<Answer> {
    answers.clear()
    for (const [url, answer] of Object.entries(example.upstream ?? {})) answers.set(url, answer)
    const inputs = example.inputs ?? {}
    const files: Record<string, unknown> = {
      'streamstack.yaml': {
        outbound: { allow: [new URL(upstreamOrigin).host] },
        auth: { jwt: { secret: 'an example secret of 32 or more bytes' } },
      },
      'endpoints/example.json': JSON.stringify({
        endpoint_settings: { method: 'POST', path: '/example' },
        input_parameters: Object.fromEntries(
          Object.keys(inputs).map((name) => [name, { type: 'any', required: true }]),
        ),
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

  return {
    runExample,
    close() {
      upstream.closeAllConnections()
      upstream.close()
    },
  }
}

/** What an example says that it sends, or how it fails. */
export function expectExample(example: Example, answer: Answer): void {
  const lines = ndjsonLines(answer.text)
  if (example.fails === undefined) {
    expect(answer.status).toBe(200)
    expect(lines.at(-1)).toMatchObject({ type: 'end', outcome: 'completed' })
    expect(lines.filter(({ type }) => type === 'error')).toEqual([])
  } else if (example.sends.length === 0) expect(problem(answer)['code']).toBe(example.fails)
  else expect(lines.at(-1)).toMatchObject({ type: 'end', outcome: 'failed', error: { code: example.fails } })
  if (answer.status === 200) expect(contents(answer.text)).toEqual(example.sends)
}
