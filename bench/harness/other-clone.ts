import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
const git = async (...words: string[]): Promise<string> => (await run('git', ['-C', root, ...words])).stdout.trim()

/** Checks a commit out beside this clone for as long as `use` takes. It gets its own packages, and the libraries of here where it asks for the same. */
export async function withCommit<Result>(
  commit: string,
  use: (clone: string, id: string) => Promise<Result>,
): Promise<Result> {
  const id = await git('rev-parse', '--verify', '--short', `${commit}^{commit}`)
  const clone = await mkdtemp(join(tmpdir(), 'streamstack-other-'))
  try {
    await git('worktree', 'add', '--detach', '--force', clone, id)
    if (await hasSameLibraries(id)) await linkModules(clone)
    else await run('npm', ['ci', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: clone })
    return await use(clone, id)
  } finally {
    await git('worktree', 'remove', '--force', clone).catch(() => undefined)
    await rm(clone, { recursive: true, force: true })
  }
}

async function hasSameLibraries(commit: string): Promise<boolean> {
  const changed = await git('diff', '--name-only', commit, '--', 'package-lock.json')
  return changed === ''
}

async function linkModules(clone: string): Promise<void> {
  const [from, to] = [join(root, 'node_modules'), join(clone, 'node_modules')]
  await mkdir(join(to, '@streamstack'), { recursive: true })
  const packages = await readdir(join(clone, 'packages'))
  for (const name of await readdir(from)) {
    // Links to the packages of this clone.
    if (name !== '@streamstack' && !packages.includes(name)) await symlink(join(from, name), join(to, name))
  }
  for (const name of packages) {
    const path = name === 'streamstack' ? name : join('@streamstack', name)
    await symlink(join(clone, 'packages', name), join(to, path))
  }
}
