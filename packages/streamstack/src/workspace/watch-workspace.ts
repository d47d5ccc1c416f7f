import { type FSWatcher, lstatSync, readdirSync, realpathSync, statSync, watch } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { LinkWatcher } from './link-watcher.ts'
import { isDefinitionName, isIgnoredName } from './read-files.ts'
import { SETTINGS_NAMES } from './workspace.ts'

/** Folders of a workspace whose files matter; nothing else is watched, so data, packages and build output cost nothing. */
const WATCHED_FOLDERS: readonly string[] = ['endpoints', 'functions', 'tables', 'channels', 'dashboards', 'tests']

/** Editors write a file in several steps; one report follows this long after the last. */
const QUIET_MS = 50

/** A report waits no longer than this for quiet. */
const WAIT_MS_MAX = 100

/**
 * Reports changes of a workspace's files: settings, `.env` and definitions, edited, added or removed, new folders included.
 * Links are followed: a link that is retargeted and a target that is edited are changes of the file that the link stands for.
 * `onChange` gets their paths relative to the workspace, sorted. The result stops it. When a folder cannot be watched
 * (a limit of the system, say), `onError` is told once for it and the others are watched all the same.
 */
export function watchWorkspace(
  dir: string,
  onChange: (paths: readonly string[]) => void,
  onError: (error: unknown) => void = warn,
): () => void {
  const root = resolve(dir)
  const watchers = new Map<string, FSWatcher>()
  const changed = new Set<string>()
  let timer: NodeJS.Timeout | null = null
  let firstChangeAt = 0
  let stopped = false

  const report = (): void => {
    timer = null
    const paths = [...changed].sort()
    changed.clear()
    onChange(paths)
  }

  const note = (path: string): void => {
    if (stopped) return
    const now = Date.now()
    if (timer === null) firstChangeAt = now
    else clearTimeout(timer)
    changed.add(path)
    timer = setTimeout(report, Math.max(0, Math.min(QUIET_MS, firstChangeAt + WAIT_MS_MAX - now)))
  }

  const links = new LinkWatcher((target) => {
    const path = relative(root, target).split(sep).join('/')
    if (path === '') {
      forget('')
      note('.')
    } else note(path)
    if (path === '' || isFolder(target)) {
      forget(path)
      follow(path, true)
    }
  }, onError)

  /** Stops watching a folder and everything below it. */
  const forget = (folder: string): void => {
    for (const [path, watcher] of watchers) {
      if (folder !== '' && path !== folder && !path.startsWith(`${folder}/`)) continue
      watcher.close()
      watchers.delete(path)
    }
  }

  /** `isNew`: the folder appeared while watching, so files that came with it are changes too. */
  const follow = (folder: string, isNew: boolean): void => {
    if (stopped || watchers.has(folder)) return
    try {
      if (leadsBack(root, folder)) return
      const watcher = watch(join(root, folder), (_, name) => look(folder, name))
      watcher.on('error', (error) => {
        forget(folder)
        onError(error)
      })
      watchers.set(folder, watcher)
      for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
        if (folder === '' ? !isWatchedAtRoot(entry.name) : isIgnoredName(entry.name)) continue
        const path = pathOf(folder, entry.name)
        if (entry.isSymbolicLink()) links.follow(join(root, path))
        if (isFolder(join(root, path))) follow(path, isNew)
        else if (isNew && (folder === '' || isDefinitionName(entry.name))) note(path)
      }
    } catch (error) {
      forget(folder)
      // It went away again in the meantime.
      if (!isMissing(error)) onError(error)
    }
  }

  /** An entry may have become a link, or be none any more. */
  const followLink = (path: string): void => {
    const target = join(root, path)
    if (isLink(target)) links.follow(target)
    else links.forget(target)
  }

  const look = (folder: string, name: string | null): void => {
    if (stopped) return
    if (name === null) {
      // Some systems do not say what changed.
      note(folder === '' ? '.' : folder)
      return
    }
    const path = pathOf(folder, name)
    if (folder === '' ? isRootFile(name) : isDefinitionName(name)) {
      followLink(path)
      note(path)
      return
    }
    if (folder === '' ? !isWatchedAtRoot(name) : isIgnoredName(name)) return
    followLink(path)
    if (isFolder(join(root, path))) {
      // A folder that was removed and made again keeps its name but not its watcher.
      forget(path)
      note(path)
      follow(path, true)
    } else if (watchers.has(path)) {
      forget(path)
      note(path)
    }
  }

  links.follow(root)
  follow('', false)
  return () => {
    stopped = true
    if (timer !== null) clearTimeout(timer)
    for (const watcher of watchers.values()) watcher.close()
    watchers.clear()
    links.close()
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
}

function isRootFile(name: string): boolean {
  return name === '.env' || SETTINGS_NAMES.includes(name)
}

function isWatchedAtRoot(name: string): boolean {
  return isRootFile(name) || WATCHED_FOLDERS.includes(name)
}

/** Changes in that folder go unnoticed from now on, which the operator should know. */
function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error))
}

function pathOf(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    // Gone again, a link that leads to itself, or not ours to look into: reading it as a file tells which.
    return false
  }
}

/** Whether a folder is, by a link, one of those above it: what is in it is watched there. Two such links in one folder would else double with every level. */
function leadsBack(root: string, folder: string): boolean {
  if (folder === '') return false
  const names = folder.split('/')
  const real = realpathSync(join(root, folder))
  return names.some((_, depth) => realpathSync(join(root, ...names.slice(0, depth))) === real)
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
