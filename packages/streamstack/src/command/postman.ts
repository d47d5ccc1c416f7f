import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { CommandIo } from './io.ts'
import { postmanCollection, postmanEnvironment } from './postman-collection.ts'
import { readTests } from '../test/index.ts'
import { readSoundWorkspace } from './read-sound-workspace.ts'
import { workspaceDir } from './workspace-dir.ts'

interface PostmanCommandOptions {
  output: string
  url?: string
}

/** `postman`: a collection and an environment for Postman and newman. Reads files alone. */
export function addPostman(program: Command, io: CommandIo): void {
  program
    .command('postman')
    .description('Write a Postman collection and environment of a workspace, with tests.')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('-o, --output <folder>', 'the folder for the two files', '.')
    .option('--url <url>', 'where the server is (default: server.public_url, or http://127.0.0.1:8080)')
    .action((dir: string | undefined, options: PostmanCommandOptions) => postman(io, dir, options))
}

async function postman(io: CommandIo, named: string | undefined, options: PostmanCommandOptions): Promise<void> {
  const workspace = await readSoundWorkspace(io, named)
  if (workspace === null) return
  const { settings, plans, tables } = workspace
  const name = settings.name ?? 'Streamstack'
  const url = (options.url ?? settings.server.publicUrl ?? 'http://127.0.0.1:8080').replace(/\/+$/, '')
  const files = {
    'streamstack.postman_collection.json': postmanCollection({
      name,
      endpoints: [...plans.values()].map(({ endpoint }) => endpoint),
      tables,
      tests: readTests(workspaceDir(io, named).path),
    }),
    'streamstack.postman_environment.json': postmanEnvironment(name, url),
  }
  await mkdir(resolve(io.cwd, options.output), { recursive: true })
  for (const [file, content] of Object.entries(files)) {
    const written = join(options.output, file)
    await writeFile(resolve(io.cwd, written), `${JSON.stringify(content, null, 2)}\n`)
    io.stdout.write(`${written}\n`)
  }
}
