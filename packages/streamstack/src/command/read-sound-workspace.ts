import { type CompiledWorkspace, compileWorkspace } from '../engine/index.ts'
import { readWorkspace } from '../workspace/index.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { issueLines } from './issue-lines.ts'
import { workspaceDir } from './workspace-dir.ts'

/**
 * A workspace for what is generated from it. Null where a file of it has an error, which is told: a document or module that lacks the broken
 * endpoints would take them away from the programs that are built on it.
 */
export async function readSoundWorkspace(io: CommandIo, named: string | undefined): Promise<CompiledWorkspace | null> {
  const { path, prefix } = workspaceDir(io, named)
  const compiled = compileWorkspace(await readWorkspace(path, io.env), null)
  if (compiled.settings !== null && compiled.issues.every(({ severity }) => severity !== 'error')) return compiled
  for (const line of issueLines(compiled.issues, prefix, colorsOf(io.stderr, io.env))) io.stderr.write(`${line}\n`)
  io.setExitCode(1)
  return null
}
