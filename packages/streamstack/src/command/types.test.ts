import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commandLine } from './testing/command-line.ts'

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
