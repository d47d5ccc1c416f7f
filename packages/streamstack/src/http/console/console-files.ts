import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** A file of the console's page. */
export interface ConsoleFile {
  readonly type: string
  readonly bytes: Buffer
  readonly tag: string
}

/** All of them, so that no path of a request reaches the disk. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['index.html', 'text/html; charset=utf-8'],
  ['console.js', 'text/javascript; charset=utf-8'],
  ['console.css', 'text/css; charset=utf-8'],
  ['icon.svg', 'image/svg+xml'],
])

const files = new Map<string, ConsoleFile>()

/** A file by its name; '' is the page. Null: there is none. Read once, when it is first asked for. */
export function consoleFile(name: string): ConsoleFile | null {
  const wanted = name === '' ? 'index.html' : name
  const type = TYPES.get(wanted)
  if (type === undefined) return null
  const known = files.get(wanted)
  if (known !== undefined) return known
  const bytes = readFileSync(join(folder(), wanted))
  const tag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  const file = { type, bytes, tag }
  files.set(wanted, file)
  return file
}

function folder(): string {
  const require = createRequire(import.meta.url)
  return join(dirname(require.resolve('@streamstack/console/package.json')), 'dist')
}
