import { relative, resolve, sep } from 'node:path'
import type { CommandIo } from './io.ts'
import { shellQuoted } from './shell-quoted.ts'

/** A workspace as the user named it. */
export interface WorkspaceDir {
  /** Absolute. */
  readonly path: string
  /** What leads from the working folder to the workspace's files: '' or `examples/`. */
  readonly prefix: string
  /** How to name it in a command line that is shown: '' for the working folder itself, else with a blank before. */
  readonly argument: string
}

/** The workspace folder that a command is about; the working folder when none is named. */
export function workspaceDir(io: CommandIo, named: string | undefined): WorkspaceDir {
  const path = resolve(io.cwd, named ?? '.')
  const way = relative(io.cwd, path)
  const shown = way.split(sep).join('/')
  // A way that climbs is harder to read than the whole path.
  const short = shown.startsWith('..') ? path : shown
  return {
    path,
    prefix: short === '' ? '' : `${short}/`,
    argument: short === '' ? '' : ` ${shellQuoted(short)}`,
  }
}
