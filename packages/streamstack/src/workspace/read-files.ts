import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FILE_BYTES_MAX, type Issue, parseTree, type TreeNode } from '../definition/index.ts'

/** One definition file of a workspace. */
export interface TreeFile {
  /** Relative to the workspace, with `/` between folders. */
  file: string
  text: string
  /** Null when the file cannot be parsed; the issues say why. */
  tree: TreeNode | null
}

/** Files read side by side: enough to hide the disk, few enough for any limit of open files. */
const READS_AT_ONCE_MAX = 32

/** Whether a file or folder is none of the workspace's: hidden, or installed packages. */
export function isIgnoredName(name: string): boolean {
  return name.startsWith('.') || name === 'node_modules'
}

/** Whether a file holds a definition, by its ending. */
export function isDefinitionName(name: string): boolean {
  return /\.(?:jsonc?|ya?ml)$/i.test(name) && !isIgnoredName(name)
}

/**
 * Reads every definition below `folder` (a name inside the workspace `dir`), sorted by path; null when there is no such
 * folder. Faults become issues, and the other files are read all the same.
 */
export async function readDefinitions(
  dir: string,
  folder: string,
  issues: Issue[],
): Promise<readonly TreeFile[] | null> {
  const paths: string[] = []
  const isFolder = await stat(join(dir, folder)).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!isFolder) return null
  await walk(dir, folder, new Set(), paths, issues)
  paths.sort()
  const files: TreeFile[] = []
  for (let start = 0; start < paths.length; start += READS_AT_ONCE_MAX) {
    const batch = paths.slice(start, start + READS_AT_ONCE_MAX)
    const texts = await Promise.all(batch.map((file) => readText(dir, file, issues)))
    batch.forEach((file, index) => {
      const text = texts[index]
      if (text === null || text === undefined) {
        // It exists but cannot be read: what it declared before stays.
        files.push({ file, text: '', tree: null })
        return
      }
      const parsed = parseTree(file, text)
      issues.push(...parsed.issues)
      files.push({ file, text, tree: parsed.tree })
    })
  }
  return files
}

/** Links may lead anywhere, but a folder is read once: `open` holds the real paths on the way down. */
async function walk(
  dir: string,
  folder: string,
  open: ReadonlySet<string>,
  paths: string[],
  issues: Issue[],
): Promise<void> {
  try {
    const real = await realpath(join(dir, folder))
    if (open.has(real)) {
      issues.push(fault(folder, 'The link leads back to a folder above it; remove it.', 'warning'))
      return
    }
    const inside = new Set([...open, real])
    for (const entry of await readdir(join(dir, folder), { withFileTypes: true })) {
      if (isIgnoredName(entry.name)) continue
      const path = `${folder}/${entry.name}`
      const isFolder = entry.isSymbolicLink() ? await leadsToFolder(join(dir, path)) : entry.isDirectory()
      if (isFolder) await walk(dir, path, inside, paths, issues)
      else if (isDefinitionName(entry.name)) paths.push(path)
    }
  } catch (error) {
    issues.push(fault(folder, `The folder cannot be read (${codeOf(error)}); check its permissions.`))
  }
}

async function leadsToFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    // A broken link: reading it as a file reports it.
    () => false,
  )
}

/** The text of a file of the workspace, or null and an issue. */
export async function readText(dir: string, file: string, issues: Issue[]): Promise<string | null> {
  try {
    const found = await stat(join(dir, file))
    if (!found.isFile()) {
      issues.push(fault(file, 'This is no file; remove it or rename it.'))
      return null
    }
    if (found.size > FILE_BYTES_MAX) {
      issues.push(fault(file, 'The file is larger than 5 MB; keep data in a table and only the definition here.'))
      return null
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(join(dir, file)))
  } catch (error) {
    if (error instanceof TypeError) {
      issues.push(fault(file, 'The file is not UTF-8 text; save it in UTF-8.'))
      return null
    }
    const isLink = await lstat(join(dir, file)).then(
      (found) => found.isSymbolicLink(),
      () => false,
    )
    const cure = isLink ? 'The link leads nowhere; mend or remove it.' : 'Check its permissions.'
    issues.push(fault(file, `The file cannot be read (${codeOf(error)}). ${cure}`))
    return null
  }
}

function fault(file: string, message: string, severity: Issue['severity'] = 'error'): Issue {
  return { severity, message, position: { file, line: 1, column: 1 } }
}

/** The system's name of a fault, such as EACCES: its message would show paths of the machine. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
