import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { programWords } from './program-words.ts'

const roots: string[] = []

/** A machine with a clone, a Node.js on the path, and an empty folder to work in. */
function machine() {
  const root = mkdtempSync(join(tmpdir(), 'streamstack-words-'))
  roots.push(root)
  for (const folder of ['clone/bin', 'work', 'usr/bin', 'opt/node_modules/.bin']) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  for (const file of ['clone/bin/streamstack.js', 'usr/bin/node', 'opt/node_modules/.bin/node']) {
    writeFileSync(join(root, file), '')
  }
  const at = (path: string): string => join(root, path)
  const place = {
    script: at('clone/bin/streamstack.js'),
    node: at('usr/bin/node'),
    cwd: at('work'),
    env: { PATH: `${at('opt/node_modules/.bin')}:${at('usr/bin')}` },
  }
  return { at, place }
}

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true })
})

test('outside a clone it is the script itself, since npx would ask the registry', () => {
  const { place } = machine()
  expect(programWords(place)).toBe(`node ${place.script}`)
})

test('a Node.js that is not the one of the shell is named', () => {
  const { at, place } = machine()
  const node = at('opt/node_modules/.bin/node')
  expect(programWords({ ...place, node })).toBe(`${node} ${place.script}`)
})

test('npx is named where it finds the program: in the project, and when it was used', () => {
  const { at, place } = machine()
  mkdirSync(at('work/node_modules/.bin'), { recursive: true })
  writeFileSync(at('work/node_modules/.bin/streamstack'), '')
  mkdirSync(at('work/below'))
  expect(programWords({ ...place, cwd: at('work/below') })).toBe('npx streamstack')
  mkdirSync(at('work/other'))
  writeFileSync(at('work/other/package.json'), '{}')
  expect(programWords({ ...place, cwd: at('work/other') })).toBe(`node ${place.script}`)
  expect(programWords({ ...place, env: { ...place.env, npm_command: 'exec' } })).toBe('npx streamstack')
})

test('a global installation has a name of its own', () => {
  const { at, place } = machine()
  symlinkSync(place.script, at('usr/bin/streamstack'))
  expect(programWords(place)).toBe('streamstack')
})
