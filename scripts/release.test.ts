import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { otherVersions, releasedFiles } from './release.ts'

const repository = dirname(import.meta.dirname)
const DATE = '2027-01-31'

describe('npm run release', () => {
  let root = ''
  let current = ''
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'streamstack-release-'))
    const files = globSync(['package-lock.json', '{packages,integrations}/*/package*.json'], { cwd: repository })
    for (const file of files) {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      cpSync(join(repository, file), join(root, file))
    }
    writeFileSync(
      join(root, 'CHANGELOG.md'),
      '# Changelog\n\n## Unreleased\n\n- New.\n\n## 0.0.1 (2026-01-01)\n\n- Old.\n',
    )
    current = (JSON.parse(readFileSync(join(root, 'packages/streamstack/package.json'), 'utf8')) as { version: string })
      .version
  })
  afterAll(() => rmSync(root, { recursive: true }))

  test('sets every version, the dependencies between packages and the changelog', () => {
    const files = releasedFiles(root, '9.8.7-beta.1', DATE)
    for (const [path, text] of files) writeFileSync(join(root, path), text)
    expect(otherVersions(root, '9.8.7-beta.1')).toEqual([])
    expect(otherVersions(root, current)).toHaveLength(7)
    const server = files.get('packages/streamstack/package.json') ?? ''
    expect(server).toContain('"@streamstack/console": "9.8.7-beta.1"')
    // Only lines with a version differ.
    const before = readFileSync(join(repository, 'packages/streamstack/package.json'), 'utf8').split('\n')
    const changed = server.split('\n').filter((line, index) => line !== before[index])
    expect(changed.every((line) => line.includes('9.8.7-beta.1'))).toBe(true)
    const lock = JSON.parse(files.get('package-lock.json') ?? '') as {
      packages: Record<string, { version: string; dependencies?: Record<string, string> }>
    }
    expect(lock.packages['packages/client']).toMatchObject({
      version: '9.8.7-beta.1',
      dependencies: { '@streamstack/protocol': '9.8.7-beta.1' },
    })
    expect(files.get('integrations/weweb/package.json')).toContain('"version": "9.8.7"')
    expect(files.get('CHANGELOG.md')).toBe(
      `# Changelog\n\n## Unreleased\n\n## 9.8.7-beta.1 (${DATE})\n\n- New.\n\n## 0.0.1 (2026-01-01)\n\n- Old.\n`,
    )
    expect(() => releasedFiles(root, '9.8.7-beta.1', DATE)).toThrow('is not after 9.8.7-beta.1')
    expect(() => releasedFiles(root, '9.8.7', DATE)).toThrow('CHANGELOG.md lists nothing under "## Unreleased".')
  })

  test.each(['1.2', 'v1.2.3', '01.2.3', '1.2.3+build', '', '1.2.3-'])('refuses %j', (version) => {
    expect(() => releasedFiles(root, version, DATE)).toThrow('is not a version')
  })
})
