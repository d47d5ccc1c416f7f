import { StreamstackError } from '@streamstack/protocol'
import type { AccessDeclaration } from '../definition/types.ts'
import type { AuthClaims } from './auth-claims.ts'
import { tokenError } from './token-error.ts'

/**
 * Lets a caller pass, or throws. One of the declared roles suffices, and one of the declared scopes; where an endpoint
 * declares both, the token needs one of each. The answer tells what the token has, never what the endpoint wants: role
 * names are the workspace's own business. The names that are wanted stay in `cause`, for the log.
 *
 * @param claims of a verified token; null when the call carried none.
 * @param what asks for it, in the words of the answer.
 * @throws StreamstackError `unauthenticated` or `forbidden`.
 */
export function authorize(access: AccessDeclaration, claims: AuthClaims | null, what = 'this endpoint'): void {
  const isOpen = !access.authentication && access.roles.length === 0 && access.scopes.length === 0
  if (isOpen) return
  if (claims === null) throw tokenError('missing')
  demandOne('role', access.roles, claims.roles, what)
  demandOne('scope', access.scopes, claims.scopes, what)
}

function demandOne(kind: 'role' | 'scope', wanted: readonly string[], given: readonly string[], what: string): void {
  if (wanted.length === 0 || wanted.some((name) => given.includes(name))) return
  const has = given.length === 0 ? `no ${kind}s` : `the ${kind}s ${listed(given)}`
  const message = `The token has ${has}, and ${what} asks for another. Use a token with the ${kind} that it asks for.`
  throw new StreamstackError('forbidden', message, { cause: new Error(`wanted one ${kind} of: ${wanted.join(', ')}`) })
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 10).map((name) => JSON.stringify(name.slice(0, 60)))
  return names.length > 10 ? `${shown.join(', ')} and ${names.length - 10} more` : shown.join(', ')
}
