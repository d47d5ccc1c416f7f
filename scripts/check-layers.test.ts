import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const repository = dirname(import.meta.dirname)
const SERVER = 'packages/streamstack/src'

/** Each file has one fault; its name is in the message that the fault must lead to. */
const FAULTS: Readonly<Record<string, string>> = {
  // An import of a later folder, however it is written.
  [`${SERVER}/text/value.ts`]: "import { Engine } from '../engine/index.ts'",
  [`${SERVER}/text/quoted.ts`]: 'import { Engine } from "../engine/index.ts"',
  [`${SERVER}/text/type.ts`]: "import type { Engine } from '../engine/index.ts'",
  [`${SERVER}/text/inline-type.ts`]: "import { type Engine } from '../engine/index.ts'",
  [`${SERVER}/text/string-name.ts`]: "import { 'Engine' as E } from '../engine/index.ts'",
  [`${SERVER}/text/second.ts`]: "import { b } from './fine.ts'; import { Engine } from '../engine/index.ts'",
  [`${SERVER}/text/line-comment.ts`]: "import {\n  // it's\n  Engine } from '../engine/index.ts'",
  [`${SERVER}/text/block-comment.ts`]: "import /* it's */ { Engine } from '../engine/index.ts'",
  [`${SERVER}/text/effect.ts`]: "import '../engine/index.ts'",
  [`${SERVER}/text/dynamic.ts`]: "export const e = import('../engine/index.ts')",
  [`${SERVER}/text/dynamic-lines.ts`]: "export const e = import(\n  '../engine/index.ts'\n)",
  [`${SERVER}/text/dynamic-template.ts`]: 'export const e = import(`../engine/index.ts`)',
  [`${SERVER}/text/type-of.ts`]: "export type E = typeof import('../engine/index.ts')",
  [`${SERVER}/text/type-import.ts`]: "export type E = import('../engine/index.ts').Engine",
  [`${SERVER}/text/re-export.ts`]: "export { Engine } from '../engine/index.ts'",
  [`${SERVER}/text/re-export-all.ts`]: "export * from '../engine/index.ts'",
  [`${SERVER}/text/re-export-as.ts`]: "export * as e from '../engine/index.ts'",
  [`${SERVER}/text/re-export-type.ts`]: "export type * from '../engine/index.ts'",
  [`${SERVER}/text/url.ts`]: "export const e = new URL('../engine/index.ts', import.meta.url)",
  [`${SERVER}/text/required.ts`]: "export const e = createRequire(import.meta.url)('../engine/index.ts')",
  [`${SERVER}/text/computed.ts`]: "export const e = import('../' + 'engine/index.ts')",
  [`${SERVER}/text/module.mts`]: "export * from '../engine/index.ts'",
  // Rooms that a run knows by their types alone.
  [`${SERVER}/run/table-value.ts`]: "import { isRow } from '../table/index.ts'",
  [`${SERVER}/run/table-dynamic.ts`]: "export const t = import('../table/index.ts')",
  // Between packages, and what is not shipped.
  [`${SERVER}/text/own-name.ts`]: "export * from 'streamstack/command'",
  [`${SERVER}/text/other-package.ts`]: "import { x } from '../../../client/src/index.ts'",
  [`${SERVER}/engine/from-test.ts`]: "import { x } from '../text/some.test.ts'",
  [`${SERVER}/engine/from-testing.ts`]: "import { x } from '../text/testing/contract.ts'",
  [`${SERVER}/unplaced/file.ts`]: 'export const x = 1',
  'packages/protocol/src/from-node.ts': "import { readFileSync } from 'node:fs'",
  'packages/client/src/from-elements.ts': "export * from '@streamstack/elements'",
  'packages/elements/src/from-server.ts': "export type * from 'streamstack'",
  'packages/console/src/from-server.ts': "import { Engine } from 'streamstack'",
  'test/sources.test.ts': "import { x } from '../packages/weweb-streamstack/src/index.ts'",
  // Circles.
  [`${SERVER}/stream/value-a.ts`]: "export { b } from './value-b.ts'",
  [`${SERVER}/stream/value-b.ts`]: "import { a } from './value-a.ts'",
  [`${SERVER}/stream/type-a.ts`]: "import type { B } from './type-b.ts'",
  [`${SERVER}/stream/type-b.ts`]: "export type A = typeof import('./type-a.ts')",
  [`${SERVER}/stream/lazy-a.ts`]: "export const b = import('./lazy-b.ts')",
  [`${SERVER}/stream/lazy-b.ts`]: "export * from './lazy-a.ts'",
  [`${SERVER}/stream/worker-a.ts`]: "export const b = new Worker(new URL('./worker-b.ts', import.meta.url))",
  [`${SERVER}/stream/worker-b.ts`]: "import type { A } from './worker-a.ts'",
  'packages/client/src/self.ts': "import { b } from './self.ts'",
}

const FINE: Readonly<Record<string, string>> = {
  [`${SERVER}/text/fine.ts`]: "// import { Engine } from '../engine/index.ts'\nexport const b = '../engine/gone.ts'",
  [`${SERVER}/engine/index.ts`]: "export * from '../text/fine.ts'\nimport type { Row } from '../table/index.ts'",
  [`${SERVER}/table/index.ts`]: 'export interface Row {}',
  [`${SERVER}/run/fine.ts`]: "import type { Row } from '../table/index.ts'",
  [`${SERVER}/text/some.test.ts`]: "import { Engine } from '../engine/index.ts'",
  'packages/client/src/fine.ts': "import { x } from '@streamstack/protocol'",
  'test/fine.test.ts': "import { x } from 'streamstack'",
}

describe('npm run check:layers', () => {
  let root = ''
  const check = (): { status: number | null; problems: string[] } => {
    const { status, stderr } = spawnSync(process.execPath, [join(repository, 'scripts/check-layers.ts'), root], {
      encoding: 'utf8',
    })
    return { status, problems: stderr.split('\n').filter((line) => line !== '') }
  }
  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), `${text}\n`)
    }
  }
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'streamstack-layers-'))
    for (const name of ['elements', 'console', 'protocol']) write({ [`packages/${name}/src/fine.ts`]: '' })
    write(FINE)
    cpSync(join(repository, 'ARCHITECTURE.md'), join(root, 'ARCHITECTURE.md'))
  })
  afterAll(() => rmSync(root, { recursive: true }))

  test('passes files that import earlier folders only', () => {
    expect(check()).toEqual({ status: 0, problems: [] })
  })

  test('finds every import of a later folder, every circle and every reach into another package', () => {
    write(FAULTS)
    const { status, problems } = check()
    expect(status).toBe(1)
    for (const file of Object.keys(FAULTS)) {
      const named = file.includes('/unplaced/') ? "'unplaced'" : file
      expect(problems.filter((line) => line.includes(named)).length, file).toBeGreaterThan(0)
    }
    for (const file of Object.keys(FINE)) {
      const isImported = /engine\/index|table\/index|some\.test/.test(file)
      if (!isImported)
        expect(
          problems.filter((line) => line.startsWith(file)),
          file,
        ).toEqual([])
    }
  })

  test('finds a table of folders in another order than the one that it proves', () => {
    write({ 'ARCHITECTURE.md': '| `stream` | a log |\n| `text` | cutting text |' })
    expect(check().problems).toContainEqual(expect.stringContaining('ARCHITECTURE.md'))
  })
})
