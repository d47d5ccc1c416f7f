import { StreamstackError } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import type { AccessDeclaration } from '../definition/types.ts'
import { authorize, challengeHeader } from './index.ts'
import type { AuthClaims } from './index.ts'

const open: AccessDeclaration = { authentication: false, roles: [], scopes: [] }
const closed: AccessDeclaration = { authentication: true, roles: [], scopes: [] }
const nobody: AuthClaims = { roles: [], scopes: [] }

function refusal(access: AccessDeclaration, claims: AuthClaims | null): StreamstackError {
  try {
    authorize(access, claims)
  } catch (thrown) {
    if (thrown instanceof StreamstackError) return thrown
    throw thrown
  }
  throw new Error('the caller was let through')
}

describe('who passes', () => {
  test.each<[string, AccessDeclaration, AuthClaims | null]>([
    ['every caller at an open endpoint', open, null],
    ['any token where no role is asked for', closed, nobody],
    ['one of the roles', { ...closed, roles: ['admin', 'editor'] }, { roles: ['editor'], scopes: [] }],
    ['one of the scopes', { ...closed, scopes: ['read', 'write'] }, { roles: [], scopes: ['write'] }],
    ['a role and a scope', { ...closed, roles: ['a'], scopes: ['b'] }, { roles: ['a'], scopes: ['b'] }],
  ])('%s', (_name, access, claims) => {
    expect(() => authorize(access, claims)).not.toThrow()
  })
})

describe('who does not', () => {
  test.each<[string, AccessDeclaration, AuthClaims | null, number]>([
    ['no token', closed, null, 401],
    ['no token where roles are named and authentication forgotten', { ...open, roles: ['admin'] }, null, 401],
    ['no roles', { ...closed, roles: ['admin'] }, nobody, 403],
    ['other roles', { ...closed, roles: ['admin'] }, { roles: ['Admin', 'adm'], scopes: ['admin'] }, 403],
    ['a role without the scope', { ...closed, roles: ['a'], scopes: ['b'] }, { roles: ['a'], scopes: [] }, 403],
  ])('%s', (_name, access, claims, status) => {
    expect(refusal(access, claims).status).toBe(status)
  })

  test('the answer tells what the token has and keeps what the endpoint wants', () => {
    const error = refusal({ ...closed, roles: ['billing-admin'] }, { roles: ['editor'], scopes: [] })
    expect(error.message).toContain('"editor"')
    expect(error.message).not.toContain('billing-admin')
    expect(String(error.cause)).toContain('billing-admin')
    expect(challengeHeader(error)).toBe('Bearer error="insufficient_scope"')
  })
})
