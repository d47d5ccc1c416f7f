import { randomBytes } from 'node:crypto'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Command, Option } from 'commander'
import { CommandFailure } from './failure.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { type TemplateName, templateNames, workspaceTemplate } from './templates/workspace.ts'
import { workspaceDir } from './workspace-dir.ts'

/** Files that may be there already: git and file managers leave them in folders that people call empty. */
const UNIMPORTANT: readonly string[] = ['.git', '.DS_Store']

/** `init`: a workspace that works at once. */
export function addInit(program: Command, io: CommandIo): void {
  program
    .command('init')
    .description('Make a small workspace that works at once.')
    .argument('<dir>', 'the folder to make; it must be new or empty')
    .addOption(
      new Option(
        '--template <name>',
        'what it is for: a little of everything, an AI chat, a table with an API, live figures',
      )
        .choices([...templateNames])
        .default('starter'),
    )
    .action((dir: string, { template }: { template: TemplateName }) => init(io, dir, template))
}

async function init(io: CommandIo, named: string, template: TemplateName): Promise<void> {
  const { path, prefix, argument } = workspaceDir(io, named)
  const there = await entriesOf(path, named)
  if (there.some((name) => !UNIMPORTANT.includes(name))) {
    throw new CommandFailure(
      `The folder ${named} is not empty. Choose a new one, for example \`streamstack init ${join(named, 'api')}\`, or empty it first.`,
    )
  }
  const { files, first } = workspaceTemplate({
    template,
    name: basename(path),
    secret: randomBytes(48).toString('base64url'),
  })
  try {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(path, file)), { recursive: true })
      // The secret is for its owner's eyes only.
      await writeFile(join(path, file), text, { flag: 'wx', mode: file === '.env' ? 0o600 : 0o644 })
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new CommandFailure(`The folder ${named} cannot be written (${code}); choose one that you may write to.`, {
      cause: error,
    })
  }
  const { bold, green, cyan } = colorsOf(io.stdout, io.env)
  const lines = [
    `${green('Made')} ${bold(basename(path))} with:`,
    ...Object.keys(files).map((file) => `  ${prefix}${file}`),
    '',
    bold('Next:'),
    `  ${cyan(`${io.program} dev${argument}`)}      serve it; the server prints lines to paste`,
    `  ${cyan(`${io.program} check${argument}`)}    find mistakes in its files`,
    '',
    `Change ${prefix}${first} while the server runs: it is live when you save it.`,
  ]
  io.stdout.write(`${lines.join('\n')}\n`)
}

async function entriesOf(path: string, named: string): Promise<readonly string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    const why = code === 'ENOTDIR' ? 'is a file' : `cannot be read (${code})`
    throw new CommandFailure(`${named} ${why}; name a folder that is new or empty.`, { cause: error })
  }
}
