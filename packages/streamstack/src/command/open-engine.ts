import { resolve } from 'node:path'
import { Engine, type Mode, WorkspaceError } from '../engine/index.ts'
import type { Logger } from '../run/index.ts'
import type { CommandIo } from './io.ts'
import { placed } from './issue-lines.ts'
import type { WorkspaceDir } from './workspace-dir.ts'

/** Opens a workspace for a command; problems name files as seen from the working folder. */
export async function openEngine(
  io: CommandIo,
  dir: WorkspaceDir,
  { log, data, serves = false, mode }: { log: Logger; data: string | undefined; serves?: boolean; mode: Mode },
): Promise<Engine> {
  try {
    return await Engine.open({
      dir: dir.path,
      log,
      serves,
      mode,
      ...(data === undefined ? {} : { dataFolder: resolve(io.cwd, data) }),
    })
  } catch (error) {
    if (error instanceof WorkspaceError)
      throw new WorkspaceError(error.issues.map((issue) => placed(issue, dir.prefix)))
    throw error
  }
}
