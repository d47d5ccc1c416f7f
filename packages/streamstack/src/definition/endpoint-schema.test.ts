import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { catalog } from './fixtures/catalog.ts'
import { endpointJsonSchema, parseTree } from './index.ts'

const validate = new Ajv2020({ strict: false }).compile(endpointJsonSchema(catalog))

test.each(['basic', 'basic-stack'])("the editors' schema accepts %s", (name) => {
  const { tree } = parseTree('a.json', readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8'))
  expect(validate(tree?.value), JSON.stringify(validate.errors)).toBe(true)
})

test.each([
  [
    { function_stack: [{ variables: { a: 1 } }, { function: 'Loop', list: '{{a}}', do: [{ function: 'Stop' }] }] },
    true,
  ],
  [{ function_stack: [{ function: 'Get Records', table: 't', limit: '{{n}}', as: 'rows' }] }, true],
  [{ function_stack: [{ function: 'Get Records', table: 't', limit: 'many' }] }, false],
  [{ function_stack: [{ function: 'Nope' }] }, false],
  [{ function_stack: [{ function: 'For Each', input: [1] }] }, false],
  [{ endpoint_settings: { metod: 'GET' }, function_stack: [] }, false],
  [{ endpoint_settings: { max_bytes: '10mb', max_duration: '5m' }, function_stack: [] }, true],
  [{}, false],
])('%j', (value, expected) => {
  expect(validate(value)).toBe(expected)
})
