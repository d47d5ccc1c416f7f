import { makeToken, ownSigner } from '../access/index.ts'
import type { CompiledWorkspace } from '../engine/index.ts'

/** How long the token that `streamstack dev` prints is valid. */
const VALID_SECONDS = 86_400

/** The server's own rights: streams by name, metrics and activity. */
const OWN_SCOPES: readonly string[] = ['streams:read', 'streams:write', 'system:read']

/** Returns a token that passes every role and scope of a workspace, or null where no secret signs its tokens. */
export async function developerToken({ settings, plans, channels }: CompiledWorkspace): Promise<string | null> {
  const signer = ownSigner(settings.auth.jwt)
  if (signer === null) return null
  const rules = [
    ...[...plans.values()].map(({ endpoint }) => endpoint.access),
    ...channels.channels.flatMap(({ publish, subscribe, presence }) =>
      [publish, subscribe, presence].flatMap((rule) => (rule === null ? [] : [rule.access])),
    ),
  ]
  const scopes = new Set([...OWN_SCOPES, ...rules.flatMap((rule) => rule.scopes)])
  return makeToken({
    ...signer,
    sub: 'developer',
    roles: [...new Set(rules.flatMap((rule) => rule.roles))],
    expiresSeconds: VALID_SECONDS,
    claims: { scope: [...scopes].join(' ') },
  })
}
