import { isAbsolute, relative } from 'node:path'
import { StreamstackError } from '@streamstack/protocol'
import type { Issue } from '../definition/index.ts'
import type { ObservedAnswer } from '../outbound/index.ts'
import type { Logger } from '../run/index.ts'
import { type HeldFolder, holdDataFolder } from '../storage/index.ts'
import { type RecordStore, type TableDeclaration, openRecordStore } from '../table/index.ts'
import {
  type DeveloperSecret,
  type Settings,
  type WorkspaceFiles,
  formatIssue,
  readWorkspace,
} from '../workspace/index.ts'
import { type CompiledWorkspace, compileWorkspace } from './compile-workspace.ts'
import type { Mode } from './mode.ts'

export interface EngineOptions {
  /** The workspace folder. */
  dir: string
  log: Logger
  /** Default: `serve`. */
  mode?: Mode
  /** Replaces the data folder of the settings. */
  dataFolder?: string
  /** Whether it serves: then it has the data folder for itself, and a second one is refused. Default: false. */
  serves?: boolean
  /** Changes the settings that the file says, each time they are read. */
  adjustSettings?: (settings: Settings) => Settings
  /** Called with each answer of another server. */
  onUpstreamAnswer?: (answer: ObservedAnswer) => void
}

/** A workspace could not be opened: the settings are broken, or there is none. */
export class WorkspaceError extends Error {
  override readonly name = 'WorkspaceError'
  readonly issues: readonly Issue[]

  constructor(issues: readonly Issue[]) {
    super(issues.map(formatIssue).join('\n'))
    this.issues = issues
  }
}

/** A workspace that was read and compiled, with its records. */
export interface OpenedWorkspace {
  readonly workspace: CompiledWorkspace
  readonly records: RecordStore
  /** Null: the engine does not serve, and shares the data folder. */
  readonly heldFolder: HeldFolder | null
}

/** Reads and compiles a workspace and opens its records. Throws WorkspaceError, or StreamstackError `storage_failed`. */
export async function openWorkspace(options: EngineOptions): Promise<OpenedWorkspace> {
  const compiled = compileWorkspace(await readFiles(options, options.dataFolder), null)
  if (compiled.settings === null) throw new WorkspaceError(compiled.issues)
  const folder = options.dataFolder ?? compiled.settings.dataFolder
  // Before anything else: declaring tables changes what is there.
  const held = options.serves === true ? holdDataFolder(folder, shownFolder(options.dir, folder)) : null
  try {
    const { store, issues } = await openRecordStore({
      folder,
      tables: compiled.tables,
      onDelay(failure) {
        if (failure === null) options.log.info({}, 'the records are open now')
        else options.log.error({ err: failure.cause ?? failure }, `the records are not open: ${failure.message}`)
      },
    })
    return {
      workspace: { ...compiled, issues: [...compiled.issues, ...issues] },
      records: store,
      heldFolder: held,
    }
  } catch (error) {
    if (error instanceof StreamstackError && error.cause !== undefined)
      options.log.error({ err: error.cause }, 'the records cannot be opened')
    held?.release()
    throw error
  }
}

/**
 * Compiles files that have changed, and declares their tables. Tables whose new declarations do not fit the stored records keep the last good ones.
 * Files that are broken keep what `previous` compiled from them.
 */
export async function recompileWorkspace(
  files: WorkspaceFiles,
  previous: CompiledWorkspace,
  records: RecordStore,
): Promise<ReturnType<typeof compileWorkspace>> {
  const working = records.tables()
  const compiled = compileWorkspace(files, previous)
  if (compiled.settings === null) return compiled
  const problems = await records.declare(compiled.tables)
  const kept = refusedTables(records, compiled.tables, working)
  if (kept.length === 0) return { ...compiled, issues: [...compiled.issues, ...problems] }
  // Steps are compiled against the tables as they are, and not as the refused files want them.
  const again = compileWorkspace(files, previous, kept)
  if (again.settings === null) return again
  await records.declare(again.tables)
  return { ...again, issues: [...again.issues, ...problems] }
}

/** Reads the files of a workspace, with its settings adjusted as the options say. */
export async function readFiles(options: EngineOptions, dataFolder: string | undefined): Promise<WorkspaceFiles> {
  const developer = developerSecret(options.mode, dataFolder)
  return adjusted(await readWorkspace(options.dir, process.env, developer), options)
}

function adjusted(files: WorkspaceFiles, { adjustSettings }: EngineOptions): WorkspaceFiles {
  if (adjustSettings === undefined || files.settings === null) return files
  return { ...files, settings: adjustSettings(files.settings) }
}

/** `dev` signs tokens with a secret of its own where the workspace has none, so that nothing has to be set up for trying. */
function developerSecret(mode: Mode | undefined, dataFolder: string | undefined): DeveloperSecret | null {
  return mode === 'dev' ? { generate: true, dataFolder } : null
}

/** As it stands in most settings: from the workspace, unless it lies outside. */
function shownFolder(dir: string, folder: string): string {
  const way = relative(dir, folder)
  return way === '' || way.startsWith('..') || isAbsolute(way) ? folder : way
}

/** Last good declarations of the tables whose new ones do not fit what is stored. */
function refusedTables(
  records: RecordStore,
  wanted: readonly TableDeclaration[],
  working: readonly TableDeclaration[],
): TableDeclaration[] {
  const usable = new Set(records.tables().map(({ name }) => name))
  return wanted.flatMap(({ name, position }) => {
    const before = working.find((table) => table.name === name)
    return usable.has(name) || before === undefined ? [] : [{ ...before, position }]
  })
}
