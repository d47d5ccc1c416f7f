import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commandLine } from '@streamstack/test-support/command-line'

const chat = `
endpoint_settings: { method: POST, path: "/chat/{room}/:id", description: "Talks. */ evil()" }
input_parameters:
  id: { type: integer }
  message: { type: text, required: true, description: What to say }
  mood: { type: text, values: [happy, "it's"] }
  tags: { type: list, items: { type: text } }
  "max-words": { type: integer, default: 5, required: true }
  options: { type: object, properties: { delay: { type: integer, required: true }, note: Any note } }
  at: { type: timestamp, required: true }
  deep: { type: object }
  sure: { type: boolean, nullable: true, required: true }
function_stack: [{ function: Streaming API Response, content: x }]
`

const expected = `// Made by \`streamstack types\`. Run it again when endpoints change.

/** For \`createClient<Endpoints>()\` of @streamstack/client. */
export interface Endpoints {
  "GET /poem": {
    inputs: {}
    content: string
  }
  /** Talks. * / evil() */
  "POST /chat/:room/:id": {
    inputs: {
      id: number
      /** What to say */
      message: string
      mood?: "happy" | "it's" | null
      tags?: readonly (string)[] | null
      "max-words"?: number | null
      options?: {
        delay: number
        /** Any note */
        note?: unknown
        [name: string]: unknown
      } | null
      at: string | number
      deep?: { readonly [name: string]: unknown } | null
      sure: boolean | null
      room: string
    }
    content: string
  }
}
`

const files = {
  'streamstack.yaml': '',
  'endpoints/chat.yaml': chat,
  'endpoints/poem.json':
    '{"endpoint_settings":{"method":"GET","path":"/poem"},"function_stack":[{"function":"Streaming API Response","content":"x"}]}',
}

test('types are printed, endpoints in order', async () => {
  using line = commandLine()
  line.write(files)
  expect(await line.run('types')).toEqual({ code: 0, out: expected, err: '' })
})

test('types are written to a file', async () => {
  using line = commandLine()
  line.write(files)
  expect(await line.run('types', '.', '-o', 'endpoints.ts')).toEqual({ code: 0, out: '', err: '' })
  expect(readFileSync(join(line.cwd, 'endpoints.ts'), 'utf8')).toBe(expected)
})

const ROWS = `
endpoint_settings: { method: GET, path: /rows }
function_stack:
  - { function: Get Records, table: people, chunk_by: records, metadata: { n: '{{batch_number}}' } }
`

test.each<[string, readonly object[], string]>([
  [
    'texts and templates',
    [{ content: 'a' }, { content: 'b {{x}}' }, { content: '{{x}}', chunk_by: 'words' }],
    'content: string',
  ],
  [
    'objects and lists, with what is known of their values',
    [{ content: { id: 1, name: '{{x}}', tags: ['a', 2] } }, { content: '[DONE]' }],
    'content: { "id": number; "name": unknown; "tags": readonly (string | number)[] } | string',
  ],
  ['one value that is computed makes all unknown', [{ content: 'a' }, { content: '{{x}}' }], ''],
  [
    'what is not content does not count',
    [{ content: 'a' }, { kind: 'reasoning', content: { x: 1 } }, { content: null }, { content: 1, disabled: true }],
    'content: string',
  ],
  [
    'metadata of all steps, optional where a step lacks it',
    [
      { content: 'a', metadata: { n: '{{loop_index}}', of: 3 } },
      { content: 'b', metadata: { n: 'x' } },
    ],
    'content: string\n    metadata: { "n": number | string; "of"?: number; [name: string]: unknown }',
  ],
  ['metadata that is computed is unknown', [{ content: 'a', metadata: '{{x}}' }], 'content: string'],
])('content and metadata are inferred: %s', async (_name, sends, expectedTypes) => {
  using line = commandLine()
  const steps = sends.map((step) => ({ function: 'Streaming API Response', ...step }))
  const stack = [{ variables: { x: 1 } }, { function: 'For', count: 2, inner_functions: steps }]
  line.write({
    'endpoints/a.json': JSON.stringify({ endpoint_settings: { method: 'GET', path: '/a' }, function_stack: stack }),
  })
  const { out, err } = await line.run('types')
  const body = expectedTypes === '' ? '' : `    ${expectedTypes}\n`
  expect(`${out}${err}`).toContain(`  "GET /a": {\n    inputs: {}\n${body}  }\n`)
})

test('records have the columns of their table; functions are followed; output replaces what is inferred', async () => {
  using line = commandLine()
  line.write({
    'tables/people.yaml':
      'columns: { id: { type: integer, primary: true }, name: { type: text, required: true }, age: integer, secret: { type: text, private: true } }\n',
    'endpoints/rows.yaml': ROWS,
    'functions/hi.yaml': 'function_stack: [{ function: Streaming API Response, content: { hi: true } }]\n',
    'endpoints/run.yaml':
      'endpoint_settings: { method: GET, path: /run }\nfunction_stack: [{ function: Run Function, name: hi }]\n',
    'endpoints/said.yaml': `
endpoint_settings: { method: GET, path: /said }
output:
  content: { type: object, properties: { id: { type: integer, required: true }, note: text } }
  metadata: { type: object, properties: { page: { type: integer, required: true } } }
function_stack: [{ variables: { x: 1 } }, { function: Streaming API Response, content: '{{x}}' }]
`,
  })
  const { out, err } = await line.run('types')
  expect(err).toBe('')
  expect(out).toContain(`"GET /rows": {
    inputs: {}
    content: readonly { "id": number; "name": string; "age": number | null }[]
    metadata: { "n": unknown; [name: string]: unknown }
  }`)
  expect(out).toContain('"GET /run": {\n    inputs: {}\n    content: { "hi": boolean }\n  }')
  expect(out).toContain(`"GET /said": {
    inputs: {}
    content: {
      id: number
      note?: string | null
      [name: string]: unknown
    }
    metadata: {
      page: number
      [name: string]: unknown
    }
  }`)
})

test.each([
  ['output: { contents: text }', 'Did you mean `content`?'],
  ['output: { metadata: text }', '`output.metadata` must be an object'],
  ['output: { content: { type: txt } }', 'endpoints/a.yaml:2'],
])('%s is refused', async (output, cure) => {
  using line = commandLine()
  line.write({
    'endpoints/a.yaml': `endpoint_settings: { method: GET, path: /a }\n${output}\nfunction_stack: [{ function: Streaming API Response, content: x }]\n`,
  })
  expect((await line.run('types')).err).toContain(cure)
})

test('a workspace with errors gives its problems and no types', async () => {
  using line = commandLine()
  line.write({
    ...files,
    'endpoints/broken.yaml': 'endpoint_settings: { method: FETCH, path: /x }\nfunction_stack: []\n',
  })
  const { code, out, err } = await line.run('types')
  expect([code, out]).toEqual([1, ''])
  expect(err).toContain('endpoints/broken.yaml:1:')
})
