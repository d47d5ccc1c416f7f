import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { tableJsonSchema } from './index.ts'

test("the tables' schema knows columns and indexes", () => {
  const validate = new Ajv2020({ strict: false }).compile(tableJsonSchema())
  expect(validate({ columns: { id: { type: 'integer', primary: true }, name: 'text' }, indexes: [['name']] })).toBe(
    true,
  )
  expect(validate({ indexes: [] })).toBe(false)
})
