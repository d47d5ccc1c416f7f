import { z } from 'zod'
import { API_KEY_HASH, type ApiKey, type TokenSettings, checkTokenSettings } from '../access/index.ts'
import { addProblem, durationWithUnit, names, objectMessage, text } from './setting-types.ts'

export const jwtShape = {
  secret: text.optional().describe('Key of tokens signed with HS256, HS384 or HS512; give it as "{{env.NAME}}".'),
  jwks_url: text.optional().describe('Where the public keys of the signer are published.'),
  issuer: text.optional().describe('What `iss` of a token must be.'),
  audience: names('must be text or a list of texts').optional().describe('What `aud` of a token must hold one of.'),
  algorithms: names('must be a list such as [HS256]')
    .optional()
    .describe('The only algorithms of signatures that are taken.'),
  role_claim: text.optional().describe('The claim that holds the roles of the caller, as `realm_access.roles`.'),
  clock_tolerance: durationWithUnit().prefault('5s').describe('How far the clocks of signer and server may differ.'),
}

const jwt = z
  .strictObject(jwtShape, objectMessage)
  .refine((value) => value.secret !== undefined || value.jwks_url !== undefined, 'needs `secret` or `jwks_url`')
  .superRefine((value, context) => {
    try {
      checkTokenSettings(tokenSettings(value))
    } catch (error) {
      const { message } = error as Error
      // The message begins with the key that it is about.
      const key = /^auth\.jwt\.(\w+) /.exec(message)
      addProblem(context, key?.[1] ?? null, message.slice(key?.[0].length ?? 0), '')
    }
  })

const apiKeyShape = {
  hash: text
    .regex(API_KEY_HASH, 'must be what `streamstack key` printed, sha256: and 64 digits; never the key itself')
    .describe('The hash that `streamstack key` prints beside a new key.'),
  roles: names('must be a list of roles').prefault([]).describe('Roles of whoever calls with the key.'),
  scopes: names('must be a list of scopes').prefault([]).describe('Scopes of whoever calls with the key.'),
  expires: text
    .refine((value) => dateSeconds(value) !== null, 'must be a date such as 2027-01-31, or 2027-01-31T12:00:00Z')
    .optional()
    .describe('When the key is no longer accepted, by UTC. Without it: when it is removed here.'),
}

const apiKeyName = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'must be a name of letters, digits, dots, hyphens and underscores, at most 64')

/** `auth`: by what callers are recognised. */
export const authShape = {
  jwt: jwt.optional(),
  keys: z
    .record(apiKeyName, z.strictObject(apiKeyShape, objectMessage), 'must be an object of names and keys')
    .default({})
    .meta({
      title: 'object of name and key',
      description:
        'API keys for programs, by name: `hash`, `roles`, `scopes`, `expires`. `streamstack key` makes one. They are sent as `Authorization: Bearer ssk_…`, or as the password of Basic; `auth.sub` is `key:<name>`. Removed here, a key is no longer accepted, and what is read by it ends.',
    }),
}

/** How tokens are checked, in the shape of the station that does it. */
export function tokenSettings(checked: z.output<z.ZodObject<typeof jwtShape>>): TokenSettings {
  return {
    secret: checked.secret ?? null,
    jwksUrl: checked.jwks_url ?? null,
    issuer: checked.issuer ?? null,
    audience: checked.audience ?? null,
    algorithms: checked.algorithms ?? null,
    roleClaim: checked.role_claim ?? null,
    clockToleranceSeconds: checked.clock_tolerance,
  }
}

/** An API key, in the shape of the station that accepts it. */
export function apiKey(name: string, checked: z.output<z.ZodObject<typeof apiKeyShape>>): ApiKey {
  return {
    name,
    hash: checked.hash.slice('sha256:'.length),
    roles: checked.roles,
    scopes: checked.scopes,
    expiresAt: checked.expires === undefined ? null : dateSeconds(checked.expires),
  }
}

/** Seconds since 1970 of a day or a moment by UTC (ISO 8601); null: it is none. */
function dateSeconds(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z)?$/.test(text)) return null
  const milliseconds = Date.parse(text)
  const isReal = Number.isFinite(milliseconds) && new Date(milliseconds).toISOString().startsWith(text.slice(0, 10))
  return isReal ? Math.floor(milliseconds / 1_000) : null
}
