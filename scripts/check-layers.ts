/** Proves that no folder of the server knows a later one, that what runs in browsers imports no more than it may, and that no file imports itself by a detour. */
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

/** The way of a request: each folder may import those before it. Settings are checked with the parsers of what they set, so `workspace` comes late. */
const ORDER =
  'text coding content definition expression stream observe storage stream-store table outbound provider input access limit audit channel dashboard workspace conversation run functions plan engine review format http test doctor command index.ts'.split(
    ' ',
  )

/** Services of a run: it knows their types and nothing else, so that another store takes their place without a change there. */
const HANDED_TO_RUN = new Set(['stream', 'table', 'outbound', 'channel', 'conversation'])

/** What each package may import by name; null: what its package.json lists, which knip checks. */
const PACKAGES: Readonly<Record<string, readonly string[] | null>> = {
  'packages/protocol/src': [],
  'packages/client/src': ['@streamstack/protocol'],
  'packages/elements/src': [
    '@streamstack/protocol',
    '@streamstack/client',
    '@streamstack/client/http.js',
    'lit',
    'uplot',
  ],
  'packages/console/src': [
    '@streamstack/client',
    '@streamstack/elements/base/cut.js',
    '@streamstack/elements/stream-dashboard.js',
    '@streamstack/elements/theme/controls.js',
    '@streamstack/elements/theme/tokens.js',
    'lit',
  ],
  'packages/streamstack/src': null,
}

const IMPORTS =
  /^\s*(?:import|export)\s+(type\s)?[\w*\s{},$]*?from\s+'([^']+)'|^import\s+'([^']+)'|import\('([^']+)'\)|new URL\('(\.[^']+\.ts)'/gm

const root = dirname(import.meta.dirname)
const problems = new Set<string>()
const graph = new Map<string, readonly string[]>()

for (const home of Object.keys(PACKAGES)) {
  for (const name of readdirSync(join(root, home), { recursive: true, encoding: 'utf8' })) {
    const file = posix.join(home, name.replaceAll('\\', '/'))
    // Tests and what they alone use go through public doors, wherever these are.
    if (file.endsWith('.ts') && !/\.test\.ts$|\/(?:testing|fixtures)\//.test(file))
      graph.set(file, importsOf(file, home))
  }
}

// Tests through public doors, and what they share in test/support, know URLs, commands and packages by name.
for (const name of readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })) {
  const file = posix.join('test', name.replaceAll('\\', '/'))
  if (!file.endsWith('.ts')) continue
  for (const [, , ...targets] of readFileSync(join(root, file), 'utf8').matchAll(IMPORTS)) {
    const target = targets.find((one) => one !== undefined) ?? ''
    if (/^\.{1,2}\/.*packages\/\w+\/src\//.test(target))
      problems.add(
        `${file} imports '${target}'. Import the package by its name, or move the test beside what it tests.`,
      )
  }
}

function importsOf(file: string, home: string): readonly string[] {
  const found: string[] = []
  for (const [, type, ...targets] of readFileSync(join(root, file), 'utf8').matchAll(IMPORTS)) {
    const target = targets.find((one) => one !== undefined) ?? ''
    const path = target.startsWith('.') ? posix.join(posix.dirname(file), target) : null
    // Types count as well: files that name each other can only be understood together.
    if (path !== null) found.push(path)
    const allowed = PACKAGES[home] ?? null
    if (path === null) {
      if (allowed?.includes(target) === false) problems.add(`${file} imports '${target}', which ${home} may not.`)
    } else if (!path.startsWith(home)) problems.add(`${file} reaches into '${path}'; import that package by its name.`)
    else if (allowed === null) checkOrder(file, file.split('/')[3] ?? '', path.split('/')[3] ?? '', type !== undefined)
  }
  return found
}

function checkOrder(file: string, from: string, to: string, isTypeOnly: boolean): void {
  for (const name of [from, to]) if (!ORDER.includes(name)) problems.add(`Give '${name}' its place in ORDER here.`)
  if (ORDER.indexOf(to) > ORDER.indexOf(from)) problems.add(`${file} imports ${to}, which comes after ${from}.`)
  if (from === 'run' && HANDED_TO_RUN.has(to) && !isTypeOnly)
    problems.add(`${file} imports ${to}; use \`import type\`.`)
}

/** Depth first; a file that is met again while it is open closes a circle. */
function walk(file: string, open: readonly string[], done: Set<string>): void {
  const start = open.indexOf(file)
  if (start !== -1) problems.add(`A cycle: ${[...open.slice(start), file].join(' → ')}.`)
  if (start !== -1 || done.has(file)) return
  for (const next of graph.get(file) ?? []) walk(next, [...open, file], done)
  done.add(file)
}

const done = new Set<string>()
for (const file of graph.keys()) walk(file, [], done)
for (const problem of problems) console.error(problem)
console.log(`layers: ${graph.size} files, ${problems.size} problems`)
process.exitCode = problems.size === 0 ? 0 : 1
