import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FORMAT_NAMES } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import { type DocBlock, comparable, docBlocks, matchesDocumented } from '@streamstack/test-support/doc-blocks'
import { DocPage, type Printed } from '@streamstack/test-support/doc-page'

const repository = dirname(import.meta.dirname)
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...globSync('docs/**/*.md', { cwd: repository }),
]
  .filter((page) => !page.startsWith('docs/reference/'))
  .toSorted((one, other) => one.localeCompare(other, 'en'))

/** How long a saved file may take to be live before a documented answer counts as wrong. */
const RELOAD_MS_MAX = 20_000

/** Only for a page that hangs: one takes seconds on a quiet machine, and minutes beside other work. */
const PAGE_MS_MAX = 300_000

const hasPython = spawnSync('python3', ['--version']).status === 0

const isServer = ({ language, text }: DocBlock): boolean =>
  language === 'sh' &&
  /^(?:npx streamstack (?:dev|serve)|npm start)\b.*$/m.test(text) &&
  text.trim().split('\n').length === 1

describe.concurrent('what the docs say', () => {
  test.each(pages.filter(saysWhatToDo))(
    '%s: files load, commands run and print what stands there',
    async (name) => {
      const blocks = docBlocks(read(name))
      const page = await DocPage.open()
      try {
        await follow(page, name, blocks)
      } finally {
        await page.close()
      }
    },
    PAGE_MS_MAX,
  )

  test.each(pages)('%s: links lead somewhere', (name) => {
    const links = Array.from(read(name).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g), (match) => match[1] ?? '')
    expect(links.filter((link) => !existsSync(join(repository, dirname(name), link)))).toEqual([])
  })
})

test.each(['ARCHITECTURE.md', 'CONTRIBUTING.md', ...globSync('docs/contributing/*.md', { cwd: repository })])(
  '%s: files that it names are in the repository',
  (name) => {
    const files = globSync(['packages/*/src/**/*.ts', '{scripts,test,bench}/**/*.ts'], { cwd: repository })
    const named = Array.from(read(name).matchAll(/`([\w./-]+\.ts)`/g), (match) => match[1] ?? '')
    expect(named.filter((file) => !files.some((known) => `/${known}`.endsWith(`/${file}`)))).toEqual([])
  },
)

test('the page on formats has a row for each of them', () => {
  const rows = read('docs/formats.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  for (const name of FORMAT_NAMES)
    expect(
      rows.some((row) => row.includes(`\`${name}\``)),
      name,
    ).toBe(true)
})

test('the index leads to every guide', () => {
  const index = read('docs/README.md')
  const guides = globSync(['docs/*.md', 'docs/{ai,integrations,tutorials}/*.md'], { cwd: repository }).filter(
    (page) => page !== 'docs/README.md',
  )
  expect(guides.filter((page) => !index.includes(`(${page.slice('docs/'.length)})`))).toEqual([])
})

/** Does what a page says, from its top to its end. */
async function follow(page: DocPage, name: string, blocks: readonly DocBlock[]): Promise<void> {
  await writeLooseDefinitions(page, blocks)
  for (const [index, block] of blocks.entries()) {
    if (block.file !== null) await page.write(block.file, block.text)
    if (block.language !== 'sh') continue
    if (/\bpython3\b/.test(block.text) && !hasPython) {
      console.warn(`${name}:${block.line} is not run: there is no python3.`)
      continue
    }
    const next = blocks[index + 1]
    const documented = next?.language === 'text' ? next.text : null
    const place = `${name}:${block.line}`
    if (isServer(block)) {
      const printed = await page.serve(block.text)
      if (documented !== null) expectDocumented(place, printed, documented)
    } else {
      if (!page.isServing && /\bcurl\b/.test(block.text)) await page.serve('npx streamstack dev')
      await runDocumented(page, place, block.text, documented)
    }
  }
  if (blocks.some(isDefinition)) await expectNoProblems(page, name)
}

function saysWhatToDo(name: string): boolean {
  return docBlocks(read(name)).some((block) => block.language === 'sh' || isDefinition(block))
}

function read(name: string): string {
  return readFileSync(join(repository, name), 'utf8')
}

function isDefinition({ language, text, file }: DocBlock): boolean {
  return (language === 'yaml' || language === 'json') && (file !== null || text.includes('function_stack'))
}

/** Definitions that are shown without a file name load as well; each gets a path of its own. */
async function writeLooseDefinitions(page: DocPage, blocks: readonly DocBlock[]): Promise<void> {
  for (const block of blocks) {
    if (block.file !== null || !isDefinition(block)) continue
    await page.write(`endpoints/shown-on-line-${block.line}.${block.language}`, block.text)
  }
}

/** `check` speaks for the server: what it passes, loads. */
async function expectNoProblems(page: DocPage, name: string): Promise<void> {
  const folders = existsSync(join(page.dir, 'my-api')) ? ['my-api'] : []
  if (existsSync(join(page.dir, 'endpoints'))) folders.push('.')
  for (const folder of folders) {
    const { output } = await page.run(`npx streamstack check ${folder} --security --json 2>/dev/null`)
    expect(worthMending(output), `${name}, ${folder}`).toEqual([])
  }
}

interface Found {
  readonly file: string
  readonly line: number
  readonly severity: string
  readonly rule?: string
}

/** What readers would copy: errors, and findings of the review, but for those of low severity and the mode of the `.env` that the page's commands made. */
function worthMending(output: string): readonly Found[] {
  const found = JSON.parse(output) as Found[]
  return found.filter(({ rule, severity, file }) =>
    rule === undefined ? severity === 'error' : severity !== 'low' && !file.endsWith('.env'),
  )
}

/** Commands that follow a saved file are repeated until the server has seen it. */
async function runDocumented(page: DocPage, place: string, commands: string, documented: string | null): Promise<void> {
  const started = performance.now()
  let printed = await page.run(commands)
  const isRight = (): boolean => documented === null || matchesDocumented(printed.output, documented)
  while (page.isServing && !isRight() && performance.now() - started < RELOAD_MS_MAX) {
    await sleep(100)
    printed = await page.run(commands)
  }
  if (documented !== null) expectDocumented(place, printed, documented)
  else expect(printed.exitCode, `${place}: ${printed.output}`).toBe(0)
}

function expectDocumented(place: string, { output }: Printed, documented: string): void {
  // The second comparison shows the difference.
  if (!matchesDocumented(output, documented)) expect(comparable(output), place).toBe(comparable(documented))
}
