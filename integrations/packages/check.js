/** Packs the packages of the repository and checks what they would publish. Needs `npm install` here and a build in the root. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const here = import.meta.dirname
const root = join(here, '../..')
const folder = mkdtempSync(join(tmpdir(), 'streamstack-packages-'))
const bin = (name) => join(here, 'node_modules/.bin', name)

/** No module to import, so there are no types. */
const WITHOUT_TYPES = /^streamstack-console-/

try {
  execFileSync('npm', ['pack', '--silent', '--workspaces', '--pack-destination', folder], { cwd: root, stdio: 'inherit' })
  for (const file of readdirSync(folder).toSorted()) {
    console.log(`\n== ${file}`)
    check(bin('publint'), [join(folder, file), '--strict'])
    // The packages are ES modules, which CommonJS loads by `import()` or by `require` of Node.js 22 and later.
    if (!WITHOUT_TYPES.test(file)) check(bin('attw'), [join(folder, file), '--profile', 'esm-only', '--format', 'ascii', '--no-emoji', '--exclude-entrypoints', './streamstack-client.js', ...browserFiles(file)])
  }
} finally {
  rmSync(folder, { recursive: true })
}

/** Scripts for pages and data, which have no types. */
function browserFiles(file) {
  return file.startsWith('streamstack-elements-') ? ['./browser/*', './custom-elements.json'] : []
}

function check(program, args) {
  try {
    execFileSync(program, args, { stdio: 'inherit' })
  } catch {
    process.exitCode = 1
  }
}
