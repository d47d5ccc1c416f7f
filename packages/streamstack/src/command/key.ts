import { type Command, InvalidArgumentError } from 'commander'
import { makeApiKey } from '../access/index.ts'
import { collected } from './collected.ts'
import type { CommandIo } from './io.ts'

interface KeyOptions {
  role: readonly string[]
  scope: readonly string[]
  expires?: string
}

/** `key`: an API key for a program. Nothing but the key goes to stdout; what the settings keep of it goes to stderr. */
export function addKey(program: Command, io: CommandIo): void {
  program
    .command('key')
    .description('Make an API key for a program that calls. It is told once; streamstack.yaml keeps its hash.')
    .argument('<name>', 'whose key it is: the caller is `key:<name>` in `auth.sub` and in the log', keyName)
    .option('--role <role>', 'a role that it has; repeatable', collected, [])
    .option('--scope <scope>', 'a scope that it has; repeatable', collected, [])
    .option('--expires <date>', 'the day on which it is no longer accepted, as 2027-01-31', day)
    .addHelpText('after', '\nTo revoke a key, remove it from streamstack.yaml: what is read by it ends at once.')
    .action((name: string, { role, scope, expires }: KeyOptions) => {
      const { key, hash } = makeApiKey()
      const lines = [
        `hash: ${hash}`,
        ...(role.length === 0 ? [] : [`roles: ${JSON.stringify(role)}`]),
        ...(scope.length === 0 ? [] : [`scopes: ${JSON.stringify(scope)}`]),
        ...(expires === undefined ? [] : [`expires: ${expires}`]),
      ]
      io.stdout.write(`${key}\n`)
      io.stderr.write(
        `The key stands above, and nowhere else. Add to streamstack.yaml, below the auth: that may stand there already:\n\nauth:\n  keys:\n    ${name}:\n${lines.map((line) => `      ${line}\n`).join('')}`,
      )
    })
}

function keyName(value: string): string {
  if (/^[\w.-]{1,64}$/.test(value)) return value
  throw new InvalidArgumentError('Use letters, digits, dots, hyphens and underscores, at most 64.')
}

function day(value: string): string {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(value) && Number.isFinite(Date.parse(value))
  if (!isDay) throw new InvalidArgumentError('Use a day such as 2027-01-31.')
  if (Date.parse(value) <= Date.now()) throw new InvalidArgumentError('That day is over; use one to come.')
  return value
}
