/** Builds the component. @weweb/cli exits with 0 when it fails and leaves what it built before: the result is what counts. */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

const folder = dirname(import.meta.dirname)
rmSync(join(folder, 'dist'), { recursive: true, force: true })
spawnSync('npx', ['weweb', 'build', 'name=streamstack', 'type=wwobject'], { cwd: folder, stdio: 'inherit' })
if (!existsSync(join(folder, 'dist/manager.js'))) {
  console.error('The build failed: there is no dist/manager.js.')
  process.exit(1)
}
