import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchWorkspace } from './index.ts'

let dir = ''
let seen: string[] = []
let calls = 0
let stop = (): void => {}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'watch-'))
  await mkdir(join(dir, 'endpoints/chat'), { recursive: true })
  await mkdir(join(dir, '.streamstack'))
  await writeFile(join(dir, 'endpoints/a.yaml'), 'a: 1')
  seen = []
  calls = 0
  stop = watchWorkspace(dir, (paths) => {
    calls += 1
    seen.push(...paths)
  })
})

afterEach(async () => {
  stop()
  await rm(dir, { recursive: true, force: true })
})

async function expectSeen(...paths: string[]): Promise<void> {
  await vi.waitFor(() => expect(seen).toEqual(expect.arrayContaining(paths)), { timeout: 5000, interval: 10 })
  seen = []
}

test('edits, additions and removals are reported, in folders below too', async () => {
  await writeFile(join(dir, 'endpoints/a.yaml'), 'a: 2')
  await expectSeen('endpoints/a.yaml')
  await writeFile(join(dir, 'endpoints/chat/b.json'), '{}')
  await expectSeen('endpoints/chat/b.json')
  await rm(join(dir, 'endpoints/chat/b.json'))
  await expectSeen('endpoints/chat/b.json')
})

test('settings and .env are reported', async () => {
  await writeFile(join(dir, 'streamstack.yaml'), 'name: x')
  await writeFile(join(dir, '.env'), 'A=1')
  await expectSeen('streamstack.yaml', '.env')
})

test('an editor that writes a new file and renames it over the old one is noticed every time', async () => {
  for (const text of ['a: 3', 'a: 4', 'a: 5']) {
    await writeFile(join(dir, 'endpoints/.a.yaml.swp'), text)
    await rename(join(dir, 'endpoints/.a.yaml.swp'), join(dir, 'endpoints/a.yaml'))
    await expectSeen('endpoints/a.yaml')
  }
})

test('new folders are followed: the files that come with them, later ones, and the folder made again', async () => {
  await mkdir(join(dir, 'functions/deep/er'), { recursive: true })
  await writeFile(join(dir, 'functions/deep/er/f.yaml'), 'a: 1')
  await expectSeen('functions/deep/er/f.yaml')
  await appendFile(join(dir, 'functions/deep/er/f.yaml'), '\nb: 2')
  await expectSeen('functions/deep/er/f.yaml')
  await rm(join(dir, 'functions'), { recursive: true })
  await expectSeen('functions')
  await mkdir(join(dir, 'functions'))
  await writeFile(join(dir, 'functions/g.yaml'), 'a: 1')
  await expectSeen('functions/g.yaml')
})

test('data, packages, hidden files and what is no definition are not reported', async () => {
  await writeFile(join(dir, '.streamstack/records.sqlite'), 'x')
  await writeFile(join(dir, '.gitignore'), 'x')
  await writeFile(join(dir, 'endpoints/.b.yaml'), 'x')
  await writeFile(join(dir, 'endpoints/b.yaml~'), 'x')
  await mkdir(join(dir, 'node_modules/p'), { recursive: true })
  await writeFile(join(dir, 'node_modules/p/p.json'), '{}')
  await pause(200)
  await writeFile(join(dir, 'endpoints/last.yaml'), 'a: 1')
  await vi.waitFor(() => expect(seen).toContain('endpoints/last.yaml'), { timeout: 5000, interval: 10 })
  expect([...new Set(seen)]).toEqual(['endpoints/last.yaml'])
})

test('changes that come together are one report', async () => {
  await Promise.all(Array.from({ length: 20 }, (_, i) => writeFile(join(dir, `endpoints/n${i}.yaml`), 'a: 1')))
  await expectSeen(...Array.from({ length: 20 }, (_, i) => `endpoints/n${i}.yaml`))
  expect(calls).toBeLessThan(10)
})

test('after the stop nothing is reported', async () => {
  await writeFile(join(dir, 'endpoints/a.yaml'), 'a: 9')
  stop()
  await writeFile(join(dir, 'endpoints/a.yaml'), 'a: 10')
  await pause(200)
  expect(seen).toEqual([])
})
