import { StreamstackError, type Value } from '@streamstack/protocol'
import { isKeySubject, makeToken, toAuthClaims } from '../../access/index.ts'
import type { StepNode } from '../../definition/types.ts'
import { action } from '../parts/action.ts'
import { argumentError, argumentFault, durationArgument, textArgument } from '../parts/arguments.ts'

/** How long a token may last: a year. One that is stolen works until then. */
const EXPIRES_MS_MAX = 366 * 86_400_000
const EXPIRES_MS_DEFAULT = 3_600_000

/** Most characters of the claims as JSON: a token travels in a header. */
const CLAIMS_LENGTH_MAX = 4_096

/** Claims that the other parameters and the settings decide. */
const OWN_CLAIMS = ['sub', 'iss', 'aud', 'iat', 'exp', 'roles', 'role', 'scope', 'scp', 'scopes', 'permissions']

export const createToken = action({
  name: 'Create Token',
  aliases: ['Create Authentication Token', 'Create JWT', 'Sign Token'],
  summary:
    'Signs a token that this workspace accepts, with the private key or the secret of `auth.jwt`: the end of a login.',
  parameters: {
    subject: {
      kind: 'value',
      summary: 'Whom the token stands for: `auth.sub`, and the owner of runs.',
      type: 'text',
      required: true,
      aliases: ['sub', 'user_id', 'id'],
    },
    roles: { kind: 'value', summary: 'Roles of the caller, a list of texts.', type: 'list' },
    scopes: { kind: 'value', summary: 'Scopes of the caller, a list of texts.', type: 'list' },
    claims: {
      kind: 'value',
      summary: 'Further claims, as `auth` shows them. Every holder of the token can read them.',
      type: 'object',
      aliases: ['extras', 'payload'],
    },
    expires_in: {
      kind: 'value',
      summary: 'How long the token is valid, at most 366 days.',
      type: 'duration',
      default: '1h',
      aliases: ['expiration', 'expires'],
    },
  },
  hasResult: true,
  resultDefault: 'token',
  examples: [
    {
      title: 'A token of an hour',
      inputs: { user: 7 },
      stack: [
        { function: 'Create Token', subject: '{{user}}', roles: ['editor'], claims: { team: 'red' }, expires_in: '1h' },
        { function: 'Streaming API Response', content: "{{token.split('.').length}}" },
      ],
      sends: [3],
    },
    {
      title: 'Without a subject',
      stack: [{ function: 'Create Token', subject: '' }],
      sends: [],
      fails: 'step_failed',
    },
  ],
  prepare(step, compiler) {
    if (!compiler.signsTokens) {
      const message =
        'Create Token has nothing to sign with: neither `auth.jwt.private_key` nor `auth.jwt.secret` is set in streamstack.yaml, and the step fails until one is. `streamstack dev` signs with a generated secret.'
      compiler.issue('warning', message, step.position)
    }
    const subject = textArgument(step, compiler, 'subject')
    const roles = compiler.value(step.parameters['roles'])
    const scopes = compiler.value(step.parameters['scopes'])
    const claims = compiler.value(step.parameters['claims'])
    const expiresMs = durationArgument(step, compiler, 'expires_in', EXPIRES_MS_DEFAULT, {
      min: 1_000,
      max: EXPIRES_MS_MAX,
    })
    return async (frame, strand) => {
      const { signer } = strand.run.services
      if (signer === null) {
        throw new StreamstackError(
          'unavailable',
          'The server has nothing to sign tokens with: set `auth.jwt.private_key` or `auth.jwt.secret` in streamstack.yaml.',
          { recoverable: false },
        )
      }
      const sub = subject(frame)
      // `key:` stands for the API keys of the server, which no token may speak for.
      if (sub.trim() === '' || isKeySubject(sub)) {
        throw argumentFault(step, 'subject', 'must be a text that is not empty and does not begin with "key:"')
      }
      const scope = namesOf(step, 'scopes', scopes.evaluate(frame)).join(' ')
      return makeToken({
        ...signer,
        sub,
        roles: namesOf(step, 'roles', roles.evaluate(frame)),
        claims: { ...claimsOf(step, claims.evaluate(frame), signer.roleClaim), ...(scope === '' ? {} : { scope }) },
        expiresSeconds: expiresMs(frame) / 1_000,
      })
    }
  },
})

function namesOf(step: StepNode, name: string, value: Value): readonly string[] {
  if (value === null) return []
  const names = Array.isArray(value) ? value : [value]
  if (names.every((one) => typeof one === 'string' && one !== '')) return names as readonly string[]
  throw argumentError(step, name, 'must be a list of texts', value)
}

/** A claim that was set here would be lost, or would give rights that the step does not show. */
function claimsOf(step: StepNode, value: Value, roleClaim: string | null): Readonly<Record<string, Value>> {
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw argumentError(step, 'claims', 'must be an object', value)
  }
  const claims = value as Readonly<Record<string, Value>>
  for (const name of [...OWN_CLAIMS, ...(roleClaim === null ? [] : [roleClaim, roleClaim.split('.')[0] ?? ''])]) {
    if (!Object.hasOwn(claims, name)) continue
    throw argumentFault(step, 'claims', `cannot set "${name}": use 'subject', 'roles', 'scopes' or 'expires_in'`)
  }
  if (JSON.stringify(claims).length > CLAIMS_LENGTH_MAX) {
    throw argumentFault(step, 'claims', `has more than ${CLAIMS_LENGTH_MAX} characters as JSON`)
  }
  try {
    // What no variable may hold would be refused when the token comes back.
    toAuthClaims(structuredClone(claims), null)
  } catch {
    throw argumentFault(
      step,
      'claims',
      'holds a name that no variable may have, such as "__proto__", or is nested too deep',
    )
  }
  return claims
}
