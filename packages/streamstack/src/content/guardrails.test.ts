import { expect, test } from 'vitest'
import { measureGuardrails } from './testing/measure-guardrails.ts'

test('guardrails catch what they are meant to and raise no false alarm; what they miss is stated in the docs', () => {
  const measured = Object.fromEntries(measureGuardrails().map((one) => [one.name, one]))
  expect(measured['Screen Prompt']).toMatchObject({ hits: { caught: 41, of: 53 }, falseAlarms: { raised: 0, of: 47 } })
  expect(measured['email']).toMatchObject({ hits: { caught: 10, of: 13 }, falseAlarms: { raised: 0, of: 7 } })
  expect(measured['phone']).toMatchObject({ hits: { caught: 12, of: 15 }, falseAlarms: { raised: 1, of: 11 } })
  expect(measured['card']).toMatchObject({ hits: { caught: 10, of: 11 }, falseAlarms: { raised: 0, of: 6 } })
  expect(measured['iban']).toMatchObject({ hits: { caught: 6, of: 7 }, falseAlarms: { raised: 0, of: 5 } })
  expect(measured['key']).toMatchObject({ hits: { caught: 8, of: 10 }, falseAlarms: { raised: 0, of: 7 } })
})
