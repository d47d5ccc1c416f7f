import { execFile, spawn } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStreamStore } from '../open-stream-store.ts'
import type { StreamStore } from '../stream-store.ts'
import type { Found } from './testing/reopen-program.ts'

const FILE = 'streams.sqlite'
const WAL = `${FILE}-wal`

const PAGE_BYTES = 4_096

const SETTINGS = { log: 'sqlite', memoryBytes: 0, maxAgeMs: null, maxBytes: null } as const

/** What the log begins with (sqlite.org/fileformat2.html#walformat): without it, it holds nothing. */
const WAL_HEADER_BYTES = 32

const run = promisify(execFile)

/** What a failure says, so that it can be had again. */
const seed = Number(process.env['TORN_WRITE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const again = `TORN_WRITE_SEED=${seed}`

const root = mkdtempSync(join(tmpdir(), 'streamstack-torn-'))
let folders = 0

afterAll(() => rmSync(root, { recursive: true, force: true }))

function open(folder: string): StreamStore {
  return openStreamStore({ ...SETTINGS, folder, onError: (error) => expect.unreachable(String(error)) })
}

/** Numbers that were told as kept, each with the length of the log that surely held it. */
const told: { number: number; walBytes: number }[] = []
const killed = join(root, 'killed')
let wal: Buffer

beforeAll(async () => {
  const child = spawn(
    process.execPath,
    ['--conditions=streamstack-source', join(import.meta.dirname, 'testing/numbers-worker.ts'), killed],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    // Longer than it takes to move what is in the journal, so that both of its ways are in the log.
    if (output.split('\n').length > 900) child.kill('SIGKILL')
  })
  await new Promise((resolve) => child.on('close', resolve))
  for (const line of output.split('\n').slice(0, -1)) {
    const [number = 0, walBytes = 0] = line.split(' ').map(Number)
    told.push({ number, walBytes })
  }
  wal = readFileSync(join(killed, WAL))
})

/** A copy of what the killed process left, with another log. */
function copyWith(log: Buffer): string {
  const folder = mkdtempSync(join(root, `${folders++}-`))
  copyFileSync(join(killed, FILE), join(folder, FILE))
  writeFileSync(join(folder, WAL), log)
  return folder
}

/** Numbers that must be there when the log is whole up to so many bytes. */
function toldWithin(bytes: number): number {
  return told.reduce((most, { number, walBytes }) => (walBytes <= bytes ? Math.max(most, number + 1) : most), 0)
}

/** What a process finds in the folder. */
async function reopened(folder: string, mode: 'append' | 'read'): Promise<Found> {
  const program = join(import.meta.dirname, 'testing/reopen-program.ts')
  const { stdout } = await run(process.execPath, ['--conditions=streamstack-source', program, folder, mode])
  return JSON.parse(stdout) as Found
}

/** How many numbers a copy holds; checks that they are whole, in order, and that it takes the next one, once. */
async function countIn(folder: string): Promise<number> {
  const found = await reopened(folder, 'append')
  if (!('count' in found) || found.count === null) return expect.unreachable(JSON.stringify(found))
  // What the producer was remembered for is what the stream holds: its next number is neither a gap nor a duplicate.
  expect(found.appended).toEqual({ isDuplicate: [false, true], count: found.count + 1 })
  return found.count
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('a log whose end was torn', () => {
  test('holds all that was told while it was whole', async () => {
    const count = await countIn(copyWith(wal))
    expect(count).toBeGreaterThanOrEqual(toldWithin(wal.length))
    expect(count).toBeGreaterThanOrEqual(900)
  })

  test('cut off anywhere, it loses nothing from before the cut', async () => {
    const random = randomFrom(seed)
    const cuts = [0, 1, WAL_HEADER_BYTES - 1, WAL_HEADER_BYTES, wal.length - 1]
    for (let round = 0; round < 16; round++) cuts.push(Math.floor((wal.length * (round + random())) / 16))
    const counts: number[] = []
    for (const cut of cuts.toSorted((a, b) => a - b)) {
      const count = await countIn(copyWith(wal.subarray(0, cut)))
      expect(count, `cut off at ${cut}, ${again}`).toBeGreaterThanOrEqual(toldWithin(cut))
      counts.push(count)
    }
    // More of the log never holds less, and a cut does cost what came after it.
    expect(counts).toEqual(counts.toSorted((a, b) => a - b))
    expect(new Set(counts).size).toBeGreaterThan(10)
  })

  test('overwritten anywhere, with noise, zeroes or an older piece of itself, it loses nothing from before', async () => {
    const random = randomFrom(seed)
    for (let round = 0; round < 20; round++) {
      const at = Math.floor((wal.length * (round + random())) / 20)
      const bytes = Math.min(wal.length - at, 1 + Math.floor(random() * (round % 2 === 0 ? 8 : 20_000)))
      const torn = Buffer.from(wal)
      if (round % 3 === 0) noise(bytes, random).copy(torn, at)
      else if (round % 3 === 1) torn.fill(0, at)
      else torn.copy(torn, at, 0, bytes)
      const count = await countIn(copyWith(torn))
      expect(count, `round ${round} at ${at}, ${again}`).toBeGreaterThanOrEqual(toldWithin(at))
    }
  })
})

function noise(bytes: number, random: () => number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256)))
}

describe('a file that lost a part of itself', () => {
  const whole = join(root, 'whole')

  beforeAll(async () => {
    cpSync(copyWith(wal), whole, { recursive: true })
    await open(whole).close()
    // The last connection to close moves the log into the file.
    const database = new DatabaseSync(join(whole, FILE))
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    database.close()
    expect(existsSync(join(whole, WAL))).toBe(false)
    expect(statSync(join(whole, FILE)).size).toBeGreaterThan(500_000)
  })

  /** A copy with all in the file and nothing in a log. */
  const settled = (): string => {
    const folder = mkdtempSync(join(root, `${folders++}-`))
    cpSync(whole, folder, { recursive: true })
    return folder
  }

  test.each([1, 2, 0.7, 0.3, 0.01])('is refused as storage_failed, not read as a shorter stream: %d', (cut) => {
    const folder = settled()
    const file = join(folder, FILE)
    const pages = statSync(file).size / PAGE_BYTES
    // Whole numbers: pages that are missing at the end; else the part that is left.
    const left = cut >= 1 ? pages - cut : Math.floor(pages * cut)
    truncateSync(file, left * PAGE_BYTES)
    expect(() => open(folder)).toThrow(expect.objectContaining({ code: 'storage_failed', status: 503 }))
  })

  test('is refused as storage_failed when it is no database any more', () => {
    const folder = settled()
    writeFileSync(join(folder, FILE), noise(20_000, randomFrom(seed)))
    expect(() => open(folder)).toThrow(expect.objectContaining({ code: 'storage_failed' }))
  })

  test('with a page that lost its head never gives out less than it held', async () => {
    const file = readFileSync(join(whole, FILE))
    const { length } = (await reopened(settled(), 'read')) as { length: number }
    expect(length).toBeGreaterThan(100_000)
    let noticed = 0
    for (let page = 1; page < file.length / PAGE_BYTES; page += 97) {
      const broken = Buffer.from(file)
      // The head of a page says what it is and where its cells are.
      broken.fill(0xff, page * PAGE_BYTES, page * PAGE_BYTES + 8)
      const folder = settled()
      writeFileSync(join(folder, FILE), broken)
      const found = await reopened(folder, 'read')
      // A page that holds nothing but the middle of a large chunk has no such head: SQLite cannot tell, but nothing is missing.
      if ('code' in found) {
        expect(found.code).toBe('storage_failed')
        noticed += 1
      } else expect([page, found.length]).toEqual([page, length])
    }
    expect(noticed).toBeGreaterThan(0)
  })
})
