import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toAuthClaims } from './auth-claims.ts'
import { subjectOf } from './subject.ts'

const subject = (claims: Record<string, string>): string => subjectOf(toAuthClaims(claims, null))

test('a subject is the claim itself', () => {
  expect(subject({ sub: 'ann' })).toBe('ann')
})

test('a token without a subject is no other caller, whatever that one calls itself', () => {
  const made = subject({ client_id: 'a' })
  expect(made).toMatch(/^sha256:/)
  for (const sub of [made, `sub:${made}`, 'sub:ann', 'sub:sub:ann']) expect(subject({ sub })).not.toBe(made)
})

test('an empty subject is none: it stands for callers without a token', () => {
  expect(subject({ sub: '' })).toMatch(/^sha256:/)
  expect(subjectOf(toAuthClaims({ sub: '' }, null), 'https://a.example')).toMatch(/^sha256:/)
})

test('two subjects are never one', () => {
  const name = fc.oneof(
    fc.string(),
    fc.constantFrom('', 'sub:', 'sha256:', 'sub:sub:'),
    fc.string().map((text) => `sub:${text}`),
  )
  fc.assert(
    fc.property(name, name, (first, second) => {
      expect(subject({ sub: first }) === subject({ sub: second })).toBe(first === second)
    }),
  )
})
