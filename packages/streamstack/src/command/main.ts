import { createRequire } from 'node:module'
import { StreamstackError } from '@streamstack/protocol'
import { Command, CommanderError } from 'commander'
import { WorkspaceError } from '../engine/index.ts'
import { addAudit } from './audit.ts'
import { addCheck } from './check.ts'
import { addDev } from './dev.ts'
import { addDoctor } from './doctor.ts'
import { CommandFailure } from './failure.ts'
import { addImport } from './import.ts'
import { addInit } from './init.ts'
import { addKey } from './key.ts'
import { type CommandIo, colorsOf, processIo } from './io.ts'
import { issueLines } from './issue-lines.ts'
import { addOpenApi } from './openapi.ts'
import { addPostman } from './postman.ts'
import { addRecords } from './records.ts'
import { addRoutes } from './routes.ts'
import { addRun } from './run.ts'
import { addSchema } from './schema.ts'
import { addServe } from './serve.ts'
import { addTest } from './test.ts'
import { addToken } from './token.ts'
import { addTypes } from './types.ts'

/** Runs the command line. Never rejects: what goes wrong is said on stderr and in the exit code. `args` is without node and script. */
export async function main(args: readonly string[], io: CommandIo = processIo()): Promise<void> {
  try {
    await program(io).parseAsync([...args], { from: 'user' })
  } catch (thrown) {
    io.setExitCode(thrown instanceof CommanderError ? thrown.exitCode : 1)
    const words = wordsFor(thrown, io)
    if (words !== null) io.stderr.write(`${words}\n`)
  }
}

/** The command line as it is declared. */
export function program(io: CommandIo): Command {
  const out = colorsOf(io.stdout, io.env)
  const command = new Command('streamstack')
    .description('Streaming APIs from files: declare an endpoint as a function stack, get a live endpoint.')
    .version(version(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHasColors: () => out.isColorSupported,
      getErrHasColors: () => colorsOf(io.stderr, io.env).isColorSupported,
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    .configureHelp({ styleTitle: out.bold, styleCommandText: out.cyan, styleSubcommandText: out.cyan })
    .showHelpAfterError('See --help.')
    .addHelpText('after', START)
  const adds = [
    addInit,
    addDev,
    addServe,
    addCheck,
    addRun,
    addTest,
    addRoutes,
    addOpenApi,
    addPostman,
    addImport,
    addRecords,
    addToken,
    addKey,
    addAudit,
    addSchema,
    addTypes,
    addDoctor,
  ]
  for (const add of adds) add(command, io)
  return command
}

const START = `
To start:
  streamstack init my-api      make a workspace that works at once
  streamstack dev my-api       serve it on this machine; edits are live when you save
  streamstack serve my-api     serve it in production`

function version(): string {
  const require = createRequire(import.meta.url)
  return (require('../../package.json') as { version: string }).version
}

/** What a person reads of anything thrown. Null: it was said already. */
function wordsFor(thrown: unknown, io: CommandIo): string | null {
  if (thrown instanceof CommanderError) return null
  const { red } = colorsOf(io.stderr, io.env)
  const debug = io.env['STREAMSTACK_DEBUG'] === '1'
  if (debug && thrown instanceof Error) return `${thrown.stack ?? thrown.message}${causeOf(thrown)}`
  if (thrown instanceof WorkspaceError) return issueLines(thrown.issues, '', colorsOf(io.stderr, io.env)).join('\n')
  if (thrown instanceof StreamstackError) return `${red('error:')} ${thrown.message}${shortCauseOf(thrown)}`
  if (thrown instanceof CommandFailure) return `${red('error:')} ${thrown.message}`
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return `${red('error:')} Something unforeseen: ${message}. Run it again with STREAMSTACK_DEBUG=1 to see where.`
}

/** Without its stack: what the system said, such as `disk I/O error`. */
function shortCauseOf({ cause }: Error): string {
  return cause instanceof Error ? `\ncaused by: ${cause.message}` : ''
}

function causeOf({ cause }: Error): string {
  if (cause === undefined) return ''
  return `\ncaused by: ${cause instanceof Error ? (cause.stack ?? cause.message) : JSON.stringify(cause)}`
}
