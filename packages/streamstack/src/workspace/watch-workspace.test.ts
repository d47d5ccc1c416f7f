import { appendFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
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
  await vi.waitFor(() => expect(seen).toEqual(expect.arrayContaining(paths)), { timeout: 30_000, interval: 10 })
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
  await vi.waitFor(() => expect(seen).toContain('endpoints/last.yaml'), { timeout: 30_000, interval: 10 })
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

/** A folder as Kubernetes mounts a ConfigMap: each file a link into `..data`, which is a link to the folder of a version. */
async function mount(folder: string, version: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(join(folder, version), { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, version, name), text)
  // As the kubelet does: a new link, renamed over the old one.
  await symlink(version, join(folder, '..data_tmp'))
  await rename(join(folder, '..data_tmp'), join(folder, '..data'))
}

test('a ConfigMap is reported when its next version is mounted, again and again', async () => {
  const folder = join(dir, 'functions')
  await mount(folder, '..2026_01', { 'f.yaml': 'a: 1', 'g.yaml': 'a: 1' })
  for (const name of ['f.yaml', 'g.yaml']) await symlink(`..data/${name}`, join(folder, name))
  await expectSeen('functions/f.yaml', 'functions/g.yaml')
  for (const version of ['..2026_02', '..2026_03', '..2026_04']) {
    await pause(50)
    seen = []
    await mount(folder, version, { 'f.yaml': 'a: 2', 'g.yaml': 'a: 2' })
    await expectSeen('functions/f.yaml', 'functions/g.yaml')
  }
  expect(seen.filter((path) => path.includes('..'))).toEqual([])
})

test('a target elsewhere is reported when it is edited, replaced, removed and made again', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'watch-target-'))
  const target = join(elsewhere, 'shared.txt')
  await writeFile(target, 'a: 1')
  await symlink(target, join(dir, 'endpoints/linked.yaml'))
  await symlink(join(elsewhere, 'env'), join(dir, '.env'))
  await expectSeen('endpoints/linked.yaml', '.env')
  await pause(150)
  seen = []
  await appendFile(target, '\nb: 1')
  await expectSeen('endpoints/linked.yaml')
  await writeFile(join(elsewhere, 'new'), 'a: 3')
  await rename(join(elsewhere, 'new'), target)
  await expectSeen('endpoints/linked.yaml')
  await rm(target)
  await expectSeen('endpoints/linked.yaml')
  await writeFile(target, 'a: 4')
  await expectSeen('endpoints/linked.yaml')
  await writeFile(join(elsewhere, 'env'), 'A=1')
  await expectSeen('.env')
  await rm(elsewhere, { recursive: true })
})

test('a folder that is a link is followed to where it is retargeted, and so is the workspace itself', async () => {
  const releases = await mkdtemp(join(tmpdir(), 'watch-releases-'))
  for (const release of ['1', '2']) {
    await mkdir(join(releases, release, 'endpoints'), { recursive: true })
    await writeFile(join(releases, release, 'endpoints/a.yaml'), 'a: 1')
  }
  const retarget = async (release: string): Promise<void> => {
    await symlink(release, join(releases, 'next'))
    await rename(join(releases, 'next'), join(releases, 'current'))
  }
  await retarget('1')
  stop()
  stop = watchWorkspace(join(releases, 'current'), (paths) => seen.push(...paths))
  await retarget('2')
  await expectSeen('endpoints/a.yaml')
  await appendFile(join(releases, '2/endpoints/a.yaml'), '\nb: 2')
  await expectSeen('endpoints/a.yaml')

  await mkdir(join(releases, 'more'))
  await symlink(join(releases, 'more'), join(releases, '2/channels'))
  await writeFile(join(releases, 'more/c.yaml'), 'a: 1')
  await expectSeen('channels/c.yaml')
  await mkdir(join(releases, 'other'))
  await writeFile(join(releases, 'other/d.yaml'), 'a: 1')
  await symlink(join(releases, 'other'), join(releases, 'swap'))
  await rename(join(releases, 'swap'), join(releases, '2/channels'))
  await expectSeen('channels/d.yaml')
  await rm(releases, { recursive: true })
})
