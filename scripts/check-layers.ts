/** Proves that no folder of the server knows a later one, that what runs in browsers imports no more than it may, and that no file imports itself by a detour. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { Visitor, parseSync } from 'rolldown/utils'

/** The way of a request: each folder may import those before it. Settings are checked with the parsers of what they set, so `workspace` comes late. */
const ORDER =
  'text content coding definition expression stream observe storage stream-store table outbound provider input access limit audit channel dashboard workspace conversation run functions plan engine review format http test doctor command index.ts'.split(
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

const CODE = /\.[cm]?[jt]sx?$/
const FOR_TESTS = /\.test\.[cm]?tsx?$|\/(?:testing|fixtures)\//

/** Another folder with the same rooms: for the test of this file. */
const root = process.argv[2] ?? dirname(import.meta.dirname)
const problems = new Set<string>()
const graph = new Map<string, readonly string[]>()

interface Import {
  /** Null: computed when it runs, so it cannot be checked. */
  readonly target: string | null
  readonly isTypeOnly: boolean
}

for (const [home, allowed] of Object.entries(PACKAGES)) {
  // Tests and what they alone use go through public doors, wherever these are.
  for (const file of codeIn(home)) if (!FOR_TESTS.test(file)) graph.set(file, checkedImports(file, home, allowed))
}

// Tests through public doors, and what they share in test/support, know URLs, commands and packages by name.
for (const file of codeIn('test')) {
  for (const { target } of importsOf(file)) {
    if (/^\.{1,2}\/.*packages\/[\w-]+\/src\//.test(target ?? ''))
      problems.add(
        `${file} imports '${target}'. Import the package by its name, or move the test beside what it tests.`,
      )
  }
}

// Strangers read the order in the table of ARCHITECTURE.md.
const told = [...readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').matchAll(/^\| `([\w-]+)` \|/gm)].map(
  ([, name]) => name,
)
const folders = ORDER.filter((name) => name !== 'index.ts')
if (told.join() !== folders.join())
  problems.add(`The table of folders in ARCHITECTURE.md has another order than ORDER here: ${folders.join(', ')}.`)

function codeIn(home: string): string[] {
  return readdirSync(join(root, home), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(home, name.replaceAll('\\', '/')))
    .filter((file) => CODE.test(file))
}

/** All that a file loads or takes types from, however it is written. */
function importsOf(file: string): Import[] {
  const found: Import[] = []
  const add = (source: { type: string; value?: unknown } | null, isTypeOnly: boolean): void => {
    if (source !== null) found.push({ target: textOf(source), isTypeOnly })
  }
  const { program, errors } = parseSync(file, readFileSync(join(root, file), 'utf8'))
  for (const { message } of errors) problems.add(`${file} cannot be parsed: ${message}.`)
  new Visitor({
    ImportDeclaration: ({ source, importKind }) => add(source, importKind === 'type'),
    ExportNamedDeclaration: ({ source, exportKind }) => add(source, exportKind === 'type'),
    ExportAllDeclaration: ({ source, exportKind }) => add(source, exportKind === 'type'),
    ImportExpression: ({ source }) => add(source, false),
    TSImportType: ({ source }) => add(source, true),
    // `new URL('./worker.ts', …)` and its like load a file by its path.
    Literal: ({ value }) => {
      if (typeof value === 'string' && /^\.{1,2}\//.test(value) && CODE.test(value)) {
        if (existsSync(join(root, dirname(file), value)) && found.every(({ target }) => target !== value))
          found.push({ target: value, isTypeOnly: false })
      }
    },
  }).visit(program)
  return found
}

function textOf(source: { type: string; value?: unknown }): string | null {
  if (source.type === 'Literal') return String(source.value)
  const { expressions, quasis } = source as { expressions?: unknown[]; quasis?: { value: { cooked: string } }[] }
  return expressions?.length === 0 ? (quasis?.[0]?.value.cooked ?? null) : null
}

/** The files that a file imports. Types count as well: files that name each other can only be understood together. */
function checkedImports(file: string, home: string, allowed: readonly string[] | null): readonly string[] {
  const paths: string[] = []
  if (allowed === null) checkOrder(file, file, false)
  for (const { target, isTypeOnly } of importsOf(file)) {
    if (target === null) problems.add(`${file} imports a computed name; write it out.`)
    else if (!target.startsWith('.')) checkName(file, home, allowed, target)
    else {
      const path = posix.join(posix.dirname(file), target)
      paths.push(path)
      if (!path.startsWith(`${home}/`)) problems.add(`${file} reaches into '${path}'; import that package by its name.`)
      else if (FOR_TESTS.test(path)) problems.add(`${file} imports '${path}', which is for tests and is not shipped.`)
      else if (allowed === null) checkOrder(file, path, isTypeOnly)
    }
  }
  return paths
}

function checkName(file: string, home: string, allowed: readonly string[] | null, target: string): void {
  if (allowed?.includes(target) === false) problems.add(`${file} imports '${target}', which ${home} may not.`)
  const own = home.split('/')[1] ?? ''
  if (target.startsWith('#') || target.split('/')[0] === own)
    problems.add(`${file} imports '${target}', which is its own package; write the path of the file.`)
}

function checkOrder(file: string, path: string, isTypeOnly: boolean): void {
  const [from = '', to = ''] = [file, path].map((one) => one.split('/')[3])
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
