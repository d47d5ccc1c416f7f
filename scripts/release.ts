/**
 * `npm run release -- 1.2.3`: sets the version of every package and of the integrations, and dates the changelog. `npm run release -- --check
 * 1.2.3` says whether the files have that version. Changes files only: the commit and the tag are yours.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Semantic Versioning 2.0.0, without build metadata, which npm drops. */
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/

const UNRELEASED = '## Unreleased\n'

/** WeWeb refuses versions other than digits and dots. */
const DIGITS_ONLY = /^integrations[/\\]weweb[/\\]/

interface Manifest {
  name?: string
  version?: string
  dependencies?: Record<string, string>
  packages?: Record<string, Manifest>
}

/** The changed files of the repository `root`, by their paths. Throws Error when the version or the changelog does not allow a release. */
export function releasedFiles(root: string, version: string, date: string): Map<string, string> {
  if (!VERSION.test(version)) throw new Error(`${version} is not a version such as 1.2.3 or 1.2.3-beta.1.`)
  const manifests = manifestPaths(root)
  const names = new Set(manifests.flatMap((path) => readManifest(root, path).name ?? []))
  const current = readManifest(root, 'packages/streamstack/package.json').version ?? '0.0.0'
  if (compareVersions(version, current) <= 0) {
    throw new Error(`${version} is not after ${current}, the version of packages/streamstack/package.json.`)
  }
  const files = new Map<string, string>()
  for (const path of manifests) {
    const own = DIGITS_ONLY.test(path) ? (version.split('-', 1)[0] ?? version) : version
    files.set(path, withVersion(readFileSync(join(root, path), 'utf8'), { version: own, current, names }))
    const lock = join(dirname(path), 'package-lock.json')
    if (existsSync(join(root, lock))) files.set(lock, withLockVersion(root, lock, [''], own, names))
  }
  const inRoot = manifests.map(dirname).filter((folder) => folder.startsWith('packages'))
  files.set('package-lock.json', withLockVersion(root, 'package-lock.json', inRoot, version, names))
  files.set('CHANGELOG.md', withRelease(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version, date))
  return files
}

/** Paths of manifests whose version is another. */
export function otherVersions(root: string, version: string): string[] {
  return manifestPaths(root).filter((path) => {
    const { version: own } = readManifest(root, path)
    return own !== (DIGITS_ONLY.test(path) ? version.split('-', 1)[0] : version)
  })
}

function manifestPaths(root: string): string[] {
  return globSync(['packages/*/package.json', 'integrations/{n8n,weweb}/package.json'], { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted()
}

function readManifest(root: string, path: string): Manifest {
  return JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest
}

/** Replaces texts, not the tree, so that the layout of the file stays. */
function withVersion(
  text: string,
  { version, current, names }: { version: string; current: string; names: ReadonlySet<string> },
): string {
  const own = text.replace(/("version"\s*:\s*)"[^"]*"/, `$1"${version}"`)
  return [...names].reduce(
    (changed, name) => changed.replace(`"${name}": "${current}"`, `"${name}": "${version}"`),
    own,
  )
}

function withLockVersion(
  root: string,
  path: string,
  folders: readonly string[],
  version: string,
  names: ReadonlySet<string>,
): string {
  const lock = readManifest(root, path)
  if (folders.includes('')) lock.version = version
  for (const folder of folders) {
    const entry = lock.packages?.[folder]
    if (entry === undefined)
      throw new Error(`${path} has no entry for ${folder || 'its package'}. Run \`npm install\`.`)
    entry.version = version
    for (const name of Object.keys(entry.dependencies ?? {})) {
      if (names.has(name)) entry.dependencies = { ...entry.dependencies, [name]: version }
    }
  }
  return `${JSON.stringify(lock, null, 2)}\n`
}

function withRelease(changelog: string, version: string, date: string): string {
  const [before, after] = changelog.split(UNRELEASED, 2)
  if (before === undefined || after === undefined) throw new Error('CHANGELOG.md has no section "## Unreleased".')
  const changes = after.split(/^## /m, 1)[0] ?? ''
  if (changes.trim() === '') throw new Error('CHANGELOG.md lists nothing under "## Unreleased".')
  return `${before}${UNRELEASED}\n## ${version} (${date})\n${after}`
}

/** Positive: `one` comes after `other`. Of pre-releases, numbers count as numbers: beta.2 is before beta.11. */
function compareVersions(one: string, other: string): number {
  const [, ...ones] = VERSION.exec(one) ?? []
  const [, ...others] = VERSION.exec(other) ?? []
  for (const index of [0, 1, 2]) {
    const difference = Number(ones[index]) - Number(others[index])
    if (difference !== 0) return difference
  }
  const [pre, otherPre] = [ones[3], others[3]]
  if (pre === undefined || otherPre === undefined) return Number(pre === undefined) - Number(otherPre === undefined)
  return pre.localeCompare(otherPre, 'en', { numeric: true })
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname)
  const args = process.argv.slice(2)
  const version = args.findLast((arg) => !arg.startsWith('--')) ?? ''
  try {
    if (args.includes('--check')) {
      const others = otherVersions(root, version)
      if (others.length > 0) throw new Error(`${others.join(', ')} do not have the version ${version}.`)
    } else {
      const files = releasedFiles(root, version, new Date().toISOString().slice(0, 10))
      for (const [path, text] of files) writeFileSync(join(root, path), text)
      console.log(`${[...files.keys()].join('\n')}\n\nNow: git commit -am "Version ${version}" && git tag v${version}`)
    }
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  }
}
