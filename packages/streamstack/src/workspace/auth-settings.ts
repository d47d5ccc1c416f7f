import { z } from 'zod'
import { API_KEY_HASH, type ApiKey, type TokenSettings, checkIssuers, checkTokenSettings } from '../access/index.ts'
import { addProblem, durationWithUnit, flag, names, OBJECT_MESSAGE, text } from './setting-types.ts'

export const jwtShape = {
  secret: text.optional().describe('Key of tokens signed with HS256, HS384 or HS512; give it as "{{env.NAME}}".'),
  private_key: text
    .optional()
    .describe(
      'Private key that signs the tokens of the workspace and verifies them: PEM or a JSON Web Key; give it as "{{env.NAME}}", its file as `NAME_FILE`.',
    ),
  key_id: text
    .optional()
    .describe('`kid` of tokens that `private_key` signs. If omitted, that of the JSON Web Key, or its thumbprint.'),
  public_key: names('must be text or a list of texts')
    .optional()
    .describe(
      'Public keys that verify tokens, each as PEM or a JSON Web Key, such as the one before a change of keys.',
    ),
  jwks_url: text.optional().describe('URL of the public keys (JWKS) of the signer.'),
  issuer: names('must be text or a list of texts').optional().describe('Accepted values of `iss` in tokens.'),
  audience: names('must be text or a list of texts')
    .optional()
    .describe('Accepted values of `aud` in tokens; a token must have one of them.'),
  algorithms: names('must be a list such as [HS256]').optional().describe('Accepted signature algorithms.'),
  role_claim: text.optional().describe('Claim that holds the roles of the caller, such as `realm_access.roles`.'),
  clock_tolerance: durationWithUnit()
    .prefault('5s')
    .describe('Allowed difference between the clocks of signer and server.'),
  require_exp: flag
    .optional()
    .describe(
      'Whether tokens must expire (`exp`); others get 401. Default: true for `streamstack serve`, false for `streamstack dev`.',
    ),
  max_age: durationWithUnit()
    .optional()
    .describe(
      'Greatest age of a token since its `iat`, whatever its `exp` is; tokens without `iat`, or with one in the future, are then refused.',
    ),
}

const issuer = z
  .strictObject(jwtShape, OBJECT_MESSAGE)
  .refine(
    ({ secret, jwks_url, private_key, public_key }) =>
      [secret, jwks_url, private_key, public_key].some((one) => one !== undefined),
    'needs `secret`, `private_key`, `public_key` or `jwks_url`',
  )
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

const issuers = z.array(issuer).superRefine((entries, context) => {
  try {
    checkIssuers(entries.map(tokenSettings))
  } catch (error) {
    const { message } = error as Error
    const [start = '', index] = /^auth\.jwt\[(\d+)\]\.issuer /.exec(message) ?? []
    if (index === undefined) throw error
    context.addIssue({
      code: 'custom',
      message: message.slice(start.length).replace(/\.$/, ''),
      path: [Number(index), 'issuer'],
    })
  }
})

const apiKeyShape = {
  hash: text
    .regex(API_KEY_HASH, 'must be what `streamstack key create` printed, sha256: and 64 digits; never the key itself')
    .describe('The hash that `streamstack key create` prints beside a new key.'),
  roles: names('must be a list of roles').prefault([]).describe('Roles of callers with this key.'),
  scopes: names('must be a list of scopes').prefault([]).describe('Scopes of callers with this key.'),
  expires: text
    .refine((value) => dateSeconds(value) !== null, 'must be a date such as 2027-01-31, or 2027-01-31T12:00:00Z')
    .optional()
    .describe(
      'Time in UTC from which the key is no longer accepted. If omitted, the key is accepted until it is removed here.',
    ),
}

const apiKeyName = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'must be a name of letters, digits, dots, hyphens and underscores, at most 64')

/** `auth`: how callers are authenticated. */
export const authShape = {
  on_expiry: z
    .enum(['finish', 'end'], 'must be finish or end')
    .default('finish')
    .describe(
      'What happens over HTTP to a reader of a run when its token expires. finish: it reads the run to its end; end: it gets `unauthenticated` and resumes with a fresh token. Streams without an end, such as channels, always end.',
    ),
  jwt: z.union([issuer, issuers], 'must be an object of keys and values, or a list of them').optional(),
  keys: z
    .record(apiKeyName, z.strictObject(apiKeyShape, OBJECT_MESSAGE), 'must be an object of names and keys')
    .default({})
    .meta({
      title: 'object of name and key',
      description:
        'API keys for programs, by name: `hash`, `roles`, `scopes`, `expires`. `streamstack key create` makes one. Programs send a key as `Authorization: Bearer ssk_…`, or as the password of Basic; `auth.sub` is `key:<name>`. A key that is removed here is no longer accepted, and streams that are read with it end.',
    }),
}

/** Returns the settings for token verification, in the shape of `access`. */
export function tokenSettings(checked: z.output<z.ZodObject<typeof jwtShape>>): TokenSettings {
  return {
    secret: checked.secret ?? null,
    privateKey: checked.private_key ?? null,
    keyId: checked.key_id ?? null,
    publicKeys: checked.public_key ?? [],
    jwksUrl: checked.jwks_url ?? null,
    issuers: checked.issuer ?? null,
    audience: checked.audience ?? null,
    algorithms: checked.algorithms ?? null,
    roleClaim: checked.role_claim ?? null,
    clockToleranceSeconds: checked.clock_tolerance,
    requireExp: checked.require_exp ?? null,
    maxAgeSeconds: checked.max_age ?? null,
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
