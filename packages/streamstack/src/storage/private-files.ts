import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Folders and files of the data folder hold what callers sent: their owner alone may read them. Those that exist keep their permissions. */
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

/** Makes a folder and those above it. Throws what the file system throws. */
export function makePrivateFolder(path: string): void {
  // One level after the other: `recursive` never returns where a file system answers ENOENT to every mkdir, as /proc does.
  if (isFolder(path)) return
  const parent = dirname(path)
  if (parent !== path) makePrivateFolder(parent)
  try {
    mkdirSync(path, FOLDER_MODE)
  } catch (error) {
    // Another process was quicker.
    if (!isFolder(path)) throw error
  }
}

/**
 * Makes an empty file unless there is one, for libraries that take no mode: SQLite gives its journals the mode of the database. A file that
 * cannot be made is left to the library, which reports it with its own code.
 */
export function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', FILE_MODE))
  } catch {
    // The library opens it next.
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
