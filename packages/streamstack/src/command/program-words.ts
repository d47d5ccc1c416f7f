import { existsSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { shellQuoted } from './shell-quoted.ts'

/** Where this program was started from. */
export interface ProgramPlace {
  /** Absolute path of the script. */
  readonly script: string
  /** Absolute path of the Node.js that runs it. */
  readonly node: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Returns the words that start this program again in a shell at `cwd`: `npx streamstack` where npx finds it, `streamstack` where it is installed
 * globally, else Node.js with the path of the script.
 */
export function programWords({ script, node, cwd, env }: ProgramPlace): string {
  if (env['npm_command'] === 'exec' || isInstalledAt(cwd)) return 'npx streamstack'
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.endsWith('.bin'))
  const found = (name: string): string | null => real(folders.map((folder) => join(folder, name)).find(existsSync))
  if (found('streamstack') === real(script)) return 'streamstack'
  return `${found('node') === real(node) ? 'node' : shellQuoted(node)} ${shellQuoted(script)}`
}

/** Whether npx finds the program: it looks into the nearest folder above that has a package.json or node_modules. */
function isInstalledAt(cwd: string): boolean {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules')) || existsSync(join(folder, 'package.json'))) {
      return existsSync(join(folder, 'node_modules/.bin/streamstack'))
    }
    if (dirname(folder) === folder) return false
  }
}

function real(path: string | undefined): string | null {
  try {
    return path === undefined ? null : realpathSync(path)
  } catch {
    return null
  }
}
