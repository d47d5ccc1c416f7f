import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { smallDisk } from '@streamstack/test-support/small-disk'
import { parseEntry } from './entry.ts'
import { Journal, SEGMENT_BYTES } from './journal.ts'
import { verifyAudit } from './verify.ts'

const DAY_MS = 86_400_000

let folder: string
let nowMs: number
let told: string[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'streamstack-journal-'))
  nowMs = Date.UTC(2026, 0, 1)
  told = []
})

afterEach(() => rmSync(folder, { recursive: true }))

function open(at = folder): Journal {
  return new Journal({
    folder: at,
    now: () => new Date(nowMs),
    onKept: () => undefined,
    onFailure: (error) => told.push(error === null ? 'works' : `fails: ${(error as NodeJS.ErrnoException).code}`),
    onTampering: (message) => told.push(message),
  })
}

async function wrote(journal: Journal, count: number, fields: object = {}): Promise<void> {
  for (let n = 0; n < count; n++) journal.append({ type: 'call', n, ...fields })
  await journal.flush()
}

function files(at = folder): readonly string[] {
  return readdirSync(at).toSorted()
}

function types(at = folder): readonly unknown[] {
  const lines = files(at).flatMap((name) => readFileSync(join(at, name), 'utf8').trimEnd().split('\n'))
  return lines.map((line) => parseEntry(line)?.type)
}

test('a journal goes on where it ended, in the same file, and in another on the next day', async () => {
  for (const count of [2, 3]) {
    const journal = open()
    await wrote(journal, count)
    await journal.close()
  }
  expect(files()).toEqual(['0000000000000001-2026-01-01.jsonl'])
  nowMs += DAY_MS
  const journal = open()
  await wrote(journal, 1)
  await journal.close()
  expect(files()).toEqual(['0000000000000001-2026-01-01.jsonl', '0000000000000006-2026-01-02.jsonl'])
  expect(await verifyAudit(folder, [journal.kept])).toMatchObject({ entries: 6, fault: null })
  expect(statSync(join(folder, files()[0] ?? '')).mode & 0o777).toBe(0o600)
})

test('what a killed process had begun to write is cut off, and an entry says so', async () => {
  const journal = open()
  await wrote(journal, 3)
  await journal.close()
  const path = join(folder, files()[0] ?? '')
  appendFileSync(path, '{"half":"an ent')
  expect(await verifyAudit(folder)).toMatchObject({ entries: 3, tornBytes: 15, fault: null })
  await open().close()
  expect(types()).toEqual(['call', 'call', 'call', 'recovered'])
  expect(await verifyAudit(folder, [journal.kept])).toMatchObject({ entries: 4, tornBytes: 0, fault: null })
})

test('a file that holds nothing whole is no gap', async () => {
  const journal = open()
  await wrote(journal, 3)
  await journal.close()
  nowMs += DAY_MS
  appendFileSync(join(folder, '0000000000000004-2026-01-02.jsonl'), '{"torn"')
  const next = open()
  await wrote(next, 1)
  await next.close()
  expect(await verifyAudit(folder)).toMatchObject({ entries: 5, fault: null })
})

test('a changed last entry is told at the start, stays where it is, and is found later', async () => {
  const journal = open()
  await wrote(journal, 3)
  await journal.close()
  const path = join(folder, files()[0] ?? '')
  const bytes = statSync(path).size
  truncateSync(path, bytes - 5)
  appendFileSync(path, 'zzz"}\n')
  const next = open()
  expect(told).toEqual(['The last entry of the audit is not as it was written.'])
  await wrote(next, 2)
  await next.close()
  expect(readFileSync(path, 'utf8')).toContain('zzz')
  expect((await verifyAudit(folder)).fault).toMatchObject({ kind: 'changed', seq: 3 })
})

test('retention removes whole files by age and leaves an anchor', async () => {
  const journal = open()
  for (let day = 0; day < 4; day++) {
    await wrote(journal, 3)
    nowMs += DAY_MS
  }
  await journal.retain({ maxAgeMs: 2.5 * DAY_MS, maxBytes: null })
  const head = journal.kept
  await journal.close()
  // The anchor begins the file of its day.
  expect(files().map((name) => name.slice(17, 27))).toEqual(['2026-01-03', '2026-01-04', '2026-01-05'])
  expect(await verifyAudit(folder, [head])).toMatchObject({ first: 7, removedByRetention: 6, entries: 7, fault: null })
  // A file that retention did not name is missed.
  rmSync(join(folder, files()[0] ?? ''))
  expect((await verifyAudit(folder, [head])).fault).toMatchObject({ kind: 'removed', seq: 1 })
})

test('retention by size keeps the newest, again and again', async () => {
  const journal = open()
  const filling = 'x'.repeat(8_192)
  for (let round = 0; round < 5; round++) {
    await wrote(journal, SEGMENT_BYTES / 8_192, { filling })
    await journal.retain({ maxAgeMs: null, maxBytes: 2.5 * SEGMENT_BYTES })
    const bytes = files().reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
    expect(bytes).toBeLessThan(3 * SEGMENT_BYTES)
    expect((await verifyAudit(folder, [journal.kept])).fault).toBeNull()
  }
  await journal.close()
})

test('a cut that was announced and not carried out is no fault', async () => {
  const journal = open()
  for (let day = 0; day < 3; day++) {
    await wrote(journal, 2)
    nowMs += DAY_MS
  }
  const [first] = journal.segments
  const { hash } =
    parseEntry(
      readFileSync(first?.path ?? '', 'utf8')
        .trimEnd()
        .split('\n')
        .at(-1) ?? '',
    ) ?? {}
  await wrote(journal, 1, { type: 'cut', through_seq: 2, through_hash: hash })
  await journal.close()
  expect(await verifyAudit(folder)).toMatchObject({ first: 1, fault: null })
})

test('a file that another program removed or shortened is told, and what it held is missed', async () => {
  const journal = open()
  await wrote(journal, 3)
  rmSync(join(folder, files()[0] ?? ''))
  await wrote(journal, 2)
  expect(told.join()).toMatch(/^Another program removed .*\.jsonl\.$/)
  await wrote(journal, 2)
  truncateSync(join(folder, files()[0] ?? ''), 10)
  await wrote(journal, 2)
  await wrote(journal, 1)
  await journal.close()
  expect(told.join()).toMatch(/Another program shortened/)
  expect((await verifyAudit(folder, [journal.kept])).fault).not.toBeNull()
})

test('entries wait while the disk is full, those beyond the bound are counted, and the chain holds', async ({
  skip,
}) => {
  using disk = smallDisk(24 * 1_048_576)
  if (disk === null) return skip('Only root on Linux may mount a disk.')
  const at = join(disk.dir, 'audit')
  const journal = open(at)
  await wrote(journal, 10)
  disk.fill()
  const filling = 'x'.repeat(60_000)
  await wrote(journal, 200, { filling })
  expect(told).toEqual(['fails: ENOSPC'])
  expect(journal.failure).not.toBeNull()
  expect(journal.lostTotal).toBeGreaterThan(0)
  expect(journal.pendingCount).toBe(200 - journal.lostTotal)
  disk.free()
  await journal.flush()
  expect(told).toEqual(['fails: ENOSPC', 'works'])
  expect(journal.failure).toBeNull()
  await wrote(journal, 1)
  const lost = journal.lostTotal
  await journal.close()
  expect(await verifyAudit(at, [journal.kept])).toMatchObject({
    lost,
    tornBytes: 0,
    entries: 10 + 200 - lost + 2,
    fault: null,
  })
})
