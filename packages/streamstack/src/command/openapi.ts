import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { compileWorkspace } from '../engine/index.ts'
import { openApiDocument, routeDescriptions } from '../http/index.ts'
import { readWorkspace } from '../workspace/index.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { issueLines } from './issue-lines.ts'
import { workspaceDir } from './workspace-dir.ts'

interface OpenApiOptions {
  output?: string
  endpointsOnly?: true
}

/** `openapi`: what `GET /openapi.json` sends to a caller that may call every endpoint. Reads files alone. */
export function addOpenApi(program: Command, io: CommandIo): void {
  program
    .command('openapi')
    .description('Write the OpenAPI 3.1 document of a workspace.')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('-o, --output <file>', 'write it to a file instead of printing it')
    .option('--endpoints-only', "without the server's own routes")
    .action((dir: string | undefined, options: OpenApiOptions) => openapi(io, dir, options))
}

async function openapi(io: CommandIo, named: string | undefined, options: OpenApiOptions): Promise<void> {
  const { path, prefix } = workspaceDir(io, named)
  const compiled = compileWorkspace(await readWorkspace(path, io.env), null)
  // A document that lacks the broken endpoints would delete them from the clients that are generated from it.
  if (compiled.settings === null || compiled.issues.some(({ severity }) => severity === 'error')) {
    for (const line of issueLines(compiled.issues, prefix, colorsOf(io.stderr, io.env))) io.stderr.write(`${line}\n`)
    io.setExitCode(1)
    return
  }
  const { settings, plans } = compiled
  const document = openApiDocument({
    name: settings.name,
    url: settings.server.publicUrl,
    endpoints: [...plans.values()].map(({ endpoint }) => endpoint),
    routes: options.endpointsOnly === true ? [] : routeDescriptions,
  })
  const text = `${JSON.stringify(document, null, 2)}\n`
  if (options.output === undefined) io.stdout.write(text)
  else await writeFile(resolve(io.cwd, options.output), text)
}
