import type { Command } from 'commander'
import { openApiDocument, routeDescriptions } from '../http/index.ts'
import type { CommandIo } from './io.ts'
import { readSoundWorkspace } from './read-sound-workspace.ts'
import { writeOutput } from './write-output.ts'

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
  const workspace = await readSoundWorkspace(io, named)
  if (workspace === null) return
  const { settings, plans } = workspace
  const document = openApiDocument({
    name: settings.name,
    url: settings.server.publicUrl,
    endpoints: [...plans.values()].map(({ endpoint }) => endpoint),
    limitsRate: settings.limits.rateLimits.length > 0,
    routes: options.endpointsOnly === true ? [] : routeDescriptions,
  })
  await writeOutput(io, options.output, `${JSON.stringify(document, null, 2)}\n`)
}
