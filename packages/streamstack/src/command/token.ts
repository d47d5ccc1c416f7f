import { type Command, InvalidArgumentError } from 'commander'
import { type OwnSigner, makeToken, ownSigner } from '../access/index.ts'
import { parseDurationMs } from '../definition/index.ts'
import { WorkspaceError } from '../engine/index.ts'
import { readWorkspace } from '../workspace/index.ts'
import { CommandFailure } from './failure.ts'
import { collected } from './collected.ts'
import type { CommandIo } from './io.ts'
import { placed } from './issue-lines.ts'
import { shellQuoted } from './shell-quoted.ts'
import { workspaceDir } from './workspace-dir.ts'

interface TokenOptions {
  sub: string
  role: readonly string[]
  scope: readonly string[]
  expires: string
  claim: readonly string[]
}

/** `token`: a JWT for trying endpoints that want one. Nothing but the token goes to stdout, for `$(streamstack token)`. */
export function addToken(program: Command, io: CommandIo): void {
  program
    .command('token')
    .description(
      'Make a token for trying endpoints that want one, signed with the private key or the secret of the workspace.',
    )
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('--sub <subject>', 'whom the token stands for', 'developer')
    .option('--role <role>', 'a role that it has; repeatable', role, [])
    .option('--scope <scope>', 'a scope that it has; repeatable', collected, [])
    .option('--expires <duration>', 'how long it is valid: 30m, 1h, 7d', '1h')
    .option('--claim <name=value>', 'a further claim, the value as JSON or text; repeatable', collected, [])
    .addHelpText(
      'after',
      '\nExample:\n  curl -N -H "Authorization: Bearer $(streamstack token my-api --role admin)" http://127.0.0.1:8080/api/notes',
    )
    .action((dir: string | undefined, options: TokenOptions) => token(io, dir, options))
}

/** Roles have one name each; a list in one word would be one role that no endpoint requires. */
function role(value: string, before: readonly string[]): readonly string[] {
  const name = value.trim()
  if (name !== '' && !name.includes(',')) return [...before, name]
  const roles = name.split(',').flatMap((one) => (one.trim() === '' ? [] : [`--role ${shellQuoted(one.trim())}`]))
  throw new InvalidArgumentError(`One role at a time: ${roles.join(' ') || '--role admin'}.`)
}

async function token(io: CommandIo, named: string | undefined, options: TokenOptions): Promise<void> {
  const { path, prefix } = workspaceDir(io, named)
  const { settings, issues } = await readWorkspace(path, io.env, { generate: false })
  if (settings === null) throw new WorkspaceError(issues.map((issue) => placed(issue, prefix)))
  const signer = ownSigner(settings.auth.jwt)
  if (signer === null) {
    const why =
      settings.auth.jwt.length === 0
        ? 'The workspace has no `auth.jwt.secret`'
        : 'The tokens of this workspace are signed elsewhere: `auth.jwt` has public keys alone'
    throw new CommandFailure(
      `${why}, so no token can be signed here. Start \`streamstack dev\`, which generates a secret for trying; or put JWT_SECRET=… (32 characters or more) into .env, list JWT_SECRET under \`env:\` in streamstack.yaml and set \`auth: { jwt: { secret: "{{env.JWT_SECRET}}" } }\`.`,
    )
  }
  const expiresMs = parseDurationMs(options.expires)
  if (expiresMs === null || expiresMs < 1000) {
    throw new CommandFailure(
      `--expires must be a duration of at least a second, such as 30m or 1h; it is '${options.expires}'.`,
    )
  }
  const claims = claimsOf(options, signer)
  const scopes = options.scope.length === 0 ? {} : { scope: options.scope.join(' ') }
  const made = await makeToken({
    ...signer,
    sub: options.sub,
    roles: options.role,
    expiresSeconds: expiresMs / 1000,
    claims: { ...claims, ...scopes },
  })
  io.stdout.write(`${made}\n`)
}

/** The claims of `--claim`. One that has an option of its own would be lost to it. */
function claimsOf(
  { claim, role: roles, scope }: TokenOptions,
  { issuer, audience, roleClaim }: OwnSigner,
): Readonly<Record<string, unknown>> {
  const cures: Readonly<Record<string, string>> = {
    sub: 'use --sub <subject>',
    iat: 'it is the time at which the token is made',
    exp: 'use --expires <duration>',
    ...(issuer === null ? {} : { iss: 'it comes from `auth.jwt.issuer`' }),
    ...(audience === null ? {} : { aud: 'it comes from `auth.jwt.audience`' }),
    ...(scope.length === 0 ? {} : { scope: '--scope sets it' }),
    ...(roles.length === 0 ? {} : { [roleClaim ?? 'roles']: '--role sets it' }),
  }
  const claims = claim.map(parsedClaim)
  for (const [name] of claims) {
    const cure = Object.hasOwn(cures, name) ? cures[name] : undefined
    if (cure !== undefined) throw new CommandFailure(`--claim cannot set '${name}': ${cure}.`)
  }
  return Object.fromEntries(claims)
}

function parsedClaim(text: string): [string, unknown] {
  const mark = text.indexOf('=')
  if (mark < 1) throw new CommandFailure(`--claim must be name=value, such as tenant=acme; it is '${text}'.`)
  const value = text.slice(mark + 1)
  try {
    return [text.slice(0, mark), JSON.parse(value) as unknown]
  } catch {
    // Not JSON: the text itself.
    return [text.slice(0, mark), value]
  }
}
