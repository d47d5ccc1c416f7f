import type { Value } from '@streamstack/protocol'
import { ndjsonLines } from '@streamstack/test-support/http-client'
import { testServer } from '@streamstack/test-support/test-server'
import { describe, expect, test } from 'vitest'
import type { Example, FunctionDefinition } from './index.ts'
import { functions } from './index.ts'

/** Values that few parameters can use. */
const HOSTILE: readonly Value[] = [
  -1,
  0.5,
  1e308,
  true,
  '',
  'x\r\nSet-Cookie: a=b',
  '\u0000',
  'http://127.0.0.1:1/',
  'ftp://files.example',
  'x'.repeat(20_000),
  [],
  [null],
  {},
  { a: { b: [] } },
]

/** Codes of faults that the operator has to mend. */
const OPERATOR_CODES = new Set([
  'internal',
  'step_failed',
  'expression_failed',
  'table_unknown',
  'column_unknown',
  'upstream_refused',
])

/** What examples call. */
const ORIGINS = ['https://api.example.com', 'https://api.openai.com', 'https://api.anthropic.com']

type Step = Record<string, Value>

/** A copy of a stack up to the first step of a function, which has another parameter; null: it has no such step. */
function withParameter(stack: readonly Value[], name: string, parameter: string, value: Value): Value[] | null {
  const find = (node: Value): Step | null => {
    if (Array.isArray(node)) return node.reduce<Step | null>((found, one: Value) => found ?? find(one), null)
    if (typeof node !== 'object' || node === null) return null
    const step = node as Step
    return step['function'] === name ? step : find(Object.values(step))
  }
  const end = stack.findIndex((one) => find(one) !== null)
  if (end === -1) return null
  const copy = structuredClone<Value[]>(stack.slice(0, end + 1))
  Object.assign(find(copy) ?? {}, { [parameter]: value })
  return copy
}

interface Variant {
  readonly parameter: string
  readonly expression: string
  readonly example: Example
  readonly stack: Value[]
}

function variantsOf({ name, parameters, examples }: FunctionDefinition): Variant[] {
  const kinds = new Set(['value', 'condition', 'where'])
  return Object.entries(parameters).flatMap(([parameter, { kind }]) => {
    if (!kinds.has(kind)) return []
    // What a condition is made of is always true or false.
    const expressions =
      kind === 'condition' ? ['{{input.hostile.a.b.c}}'] : ['{{input.hostile}}', '{{input.hostile.a.b.c}}']
    return expressions.flatMap((expression) => {
      const value = kind === 'where' ? { name: expression } : expression
      for (const example of examples) {
        const stack = withParameter(example.stack, name, parameter, value)
        if (stack !== null) return [{ parameter, expression, example, stack }]
      }
      return []
    })
  })
}

function filesFor(variants: readonly Variant[]): Record<string, unknown> {
  const files: Record<string, unknown> = {
    'streamstack.yaml': {
      auth: { jwt: { secret: 'an example secret of 32 or more bytes' } },
      limits: { max_iterations: 1_000 },
      outbound: { allow: ['self'], rewrite: Object.fromEntries(ORIGINS.map((origin) => [origin, '/mock'])) },
    },
  }
  for (const [index, { example, stack }] of variants.entries()) {
    const names = [...Object.keys(example.inputs ?? {}), 'hostile']
    files[`endpoints/${index}.json`] = {
      endpoint_settings: { method: 'POST', path: `/${index}`, max_duration: '2s' },
      input_parameters: Object.fromEntries(names.map((name) => [name, { type: 'any' }])),
      function_stack: stack,
    }
    for (const [name, file] of Object.entries(example.functions ?? {})) files[`functions/${name}.json`] = file
    for (const [name, file] of Object.entries(example.channels ?? {})) files[`channels/${name}.json`] = file
  }
  return files
}

describe('an input that a step cannot use is a fault of the caller', () => {
  test.each(functions.map((definition) => [definition.name, definition] as const))('%s', async (_, definition) => {
    const variants = variantsOf(definition)
    if (variants.length === 0) return
    const tables = Object.fromEntries(
      variants.flatMap(({ example }) =>
        Object.entries(example.tables ?? {}).map(([name, { columns, records }]) => [
          name,
          { declaration: { columns }, records },
        ]),
      ),
    )
    await using server = await testServer(filesFor(variants), { tables })
    for (const [index, { parameter, expression, example }] of variants.entries()) {
      for (const hostile of HOSTILE) {
        const body = { ...example.inputs, hostile }
        const answer = await server.call(`/${index}?format=ndjson`, { body })
        const place = `${parameter}: ${expression} = ${JSON.stringify(hostile).slice(0, 60)}: ${answer.text.slice(0, 300)}`
        // The parameter takes no expression.
        if (answer.text.includes('"endpoint_broken"')) break
        const code =
          answer.status === 200
            ? (ndjsonLines(answer.text).at(-1)?.['error'] as { code: string } | null | undefined)?.code
            : (JSON.parse(answer.text) as { code: string }).code
        if (answer.status === 200) expect(OPERATOR_CODES.has(code ?? ''), place).toBe(false)
        // A code of its own, or what the upstream does: there is none.
        const isOwn = definition.name === 'Throw Error' && code === 'sold_out'
        if (answer.status >= 500 && !isOwn) expect(code, place).toMatch(/^upstream_(?!refused)/)
      }
    }
  })
})
