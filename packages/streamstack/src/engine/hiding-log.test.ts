import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hidingLog } from './hiding-log.ts'
import { SecretTexts } from './secret-texts.ts'

const SECRET = 'value-xyz-0815'

function logged(fields: object, message: string): { fields: Record<string, unknown>; message: string } {
  let entry: { fields: Record<string, unknown>; message: string } | null = null
  const keep = (given: object, text: string): void => {
    entry = { fields: given as Record<string, unknown>, message: text }
  }
  const log = hidingLog({ debug: keep, info: keep, warn: keep, error: keep }, () => new SecretTexts([SECRET, '8080']))
  log.warn(fields, message)
  return entry as unknown as { fields: Record<string, unknown>; message: string }
}

test('an error keeps its class, code and causes, without the secret', () => {
  const cause = Object.assign(new TypeError(`no ${SECRET}`), { code: 'ENOENT', path: `/run/${SECRET}` })
  const { err } = logged({ err: new RangeError(`outer ${SECRET}`, { cause }) }, '').fields as { err: Error }
  expect(err).toBeInstanceOf(RangeError)
  expect(err.message).toBe('outer ••••••')
  expect(err.stack).not.toContain(SECRET)
  expect(err.cause).toMatchObject({ message: 'no ••••••', code: 'ENOENT', path: '/run/••••••' })
  expect(err.cause).toBeInstanceOf(TypeError)
})

test('what holds no secret is handed on as it is, and names of definitions are never hidden', () => {
  const err = new Error('plain')
  const { fields, message } = logged(
    { err, endpoint: '8080', data: { port: '8080' }, list: [1, null, true] },
    'port 8080',
  )
  expect(fields['err']).toBe(err)
  expect(fields).toMatchObject({ endpoint: '8080', data: { port: '••••••' }, list: [1, null, true] })
  expect(message).toBe('port 8080')
})

test('no value takes a secret to the log, however it is nested', () => {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>(SECRET, `a ${SECRET} b`, 1, null, undefined, `${SECRET}${SECRET}`),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', SECRET, 'message', '__proto__'), tie('value'), { maxKeys: 3 }),
      tie('value').map((inner) => new Error(`of ${SECRET}`, { cause: inner })),
    ),
  }))
  fc.assert(
    fc.property(value, (data) => {
      const entry = logged({ data }, `said ${SECRET}`)
      expect(flat(entry)).not.toContain(SECRET)
    }),
  )
})

/** All texts of a value, errors included. */
function flat(value: unknown): string {
  if (value instanceof Error) return [value.message, value.stack, flat(value.cause)].join()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? ''
  return Object.entries(value)
    .map(([name, inner]) => `${name}=${flat(inner)}`)
    .join()
}
