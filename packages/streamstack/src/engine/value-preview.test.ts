import fc from 'fast-check'
import type { Value } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import { isSecretName } from '../content/index.ts'
import { ValuePreview } from './value-preview.ts'

const SECRET = 'correct-horse-battery'

describe('a preview of a value', () => {
  const preview = new ValuePreview([SECRET, '8080', ''], 200)

  test.each<[name: string, value: Value | undefined, text: string]>([
    ['count', 3, '3'],
    ['name', 'Ada', '"Ada"'],
    ['list', [1, 'two', null], '[1, "two", null]'],
    ['row', { id: 1, tags: ['a'] }, '{id: 1, tags: ["a"]}'],
    ['later', undefined, 'not set'],
    ['port', '8080', '"••••••"'],
    ['address', 'localhost:8080', '"localhost:8080"'],
    ['header', `Bearer ${SECRET}`, '"Bearer ••••••"'],
    ['password', 'tiny', '••••••'],
    [
      'login',
      { user: 'ada', password: 'tiny', accessToken: null },
      '{user: "ada", password: ••••••, accessToken: null}',
    ],
    ['key', 'sk-Zm9vYmFyYmF6cXV4MTIzNDU2', '"••••••"'],
  ])('of %s', (name, value, text) => {
    expect(preview.text(name, value)).toBe(text)
  })

  test('shows a secret nowhere, however deep it stands and wherever the text is cut', () => {
    const holding = fc
      .string({ maxLength: 400 })
      .chain((before) => fc.string({ maxLength: 40 }).map((after) => before + SECRET + after))
    const values = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, holding, tie('list'), tie('object')),
      list: fc.array(tie('value'), { minLength: 1, maxLength: 3 }),
      object: fc.dictionary(fc.oneof(fc.string({ maxLength: 8 }), fc.constant(SECRET)), tie('value'), {
        minKeys: 1,
        maxKeys: 3,
      }),
    }))
    fc.assert(
      fc.property(values['value'] as fc.Arbitrary<Value>, (value) => {
        const text = preview.text('value', value)
        expect(text).not.toContain(SECRET)
        // No cut leaves the beginning of one at the end either.
        expect(text).not.toMatch(/correct-h/)
        expect(text.length).toBeLessThanOrEqual(201)
      }),
    )
  })

  test('costs no more for a large value', () => {
    const row = { text: 'x'.repeat(50) }
    let reads = 0
    const rows = Array.from({ length: 100_000 }, () => row)
    const counted = new Proxy(rows, {
      get(target, name) {
        if (typeof name === 'string' && /^\d+$/.test(name)) reads++
        return Reflect.get(target, name) as unknown
      },
    })
    expect(preview.text('rows', counted).length).toBe(201)
    expect(reads).toBeLessThan(20)
  })
})

describe('names of secrets', () => {
  test.each([
    'password',
    'db_password',
    'passwordHash',
    'API_KEY',
    'apiKey',
    'x-api-key',
    'access_token',
    'accessToken',
    'Authorization',
    'cookie',
    'client_secret',
    'private_key',
    'credentials',
  ])('%s', (name) => expect(isSecretName(name)).toBe(true))
  test.each([
    '',
    'key',
    'primary_key',
    'max_tokens',
    'token_count',
    'author',
    'message',
    'cookies_eaten',
    'monkey',
    'spin',
  ])('not %s', (name) => expect(isSecretName(name)).toBe(false))
})
