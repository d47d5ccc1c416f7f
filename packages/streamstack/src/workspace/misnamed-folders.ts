import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Issue } from '../definition/index.ts'
import { didYouMean, suggest } from '../text/did-you-mean.ts'
import { isDefinitionName } from './read-files.ts'

/** Folders whose files are read. */
const FOLDERS = ['endpoints', 'functions', 'tables', 'channels', 'dashboards', 'tests']

/** Warnings about folders of definitions that are read by nothing, because their names are almost those of others. */
export async function misnamedFolders(root: string): Promise<Issue[]> {
  const issues: Issue[] = []
  const entries = await readdir(root, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (!entry.isDirectory() || FOLDERS.includes(entry.name)) continue
    const near = didYouMean(entry.name, FOLDERS)
    if (near === null) continue
    const files = await readdir(join(root, entry.name)).catch(() => [])
    if (!files.some(isDefinitionName)) continue
    issues.push({
      severity: 'warning',
      message: `Nothing reads the folder ${entry.name}/. ${suggest(`${near}/`)}`,
      position: { file: entry.name, line: 1, column: 1 },
    })
  }
  return issues
}
