import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  copyFileSync,
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
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { appendText, createText, textAfter } from '../testing/stream-store-contract.ts'
import { openStreamStore } from '../open-stream-store.ts'
import type { StreamStore } from '../stream-store.ts'
import { numberText, numbersIn } from './testing/number-text.ts'

const FILE = 'streams.sqlite'
const WAL = `${FILE}-wal`

const PAGE_BYTES = 4_096

const SETTINGS = { log: 'sqlite', memoryBytes: 0, maxAgeMs: null, maxBytes: null } as const

/** What the log begins with (sqlite.org/fileformat2.html#walformat): without it, it holds nothing. */
const WAL_HEADER_BYTES = 32

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

/** How many numbers a copy holds; checks that they are whole, in order, and that it takes the next one, once. */
async function reopen(folder: string): Promise<number> {
  const store = open(folder)
  try {
    const { stream } = await store.create('numbers', createText())
    const count = numbersIn(await textAfter(store, stream))
    if (count === null) return -1
    const producer = { id: 'p', epoch: 0, sequence: count }
    // What the producer was remembered for is what the stream holds: its next number is neither a gap nor a duplicate.
    for (const isDuplicate of [false, true]) {
      expect(await store.append('numbers', appendText(numberText(count), { producer }))).toMatchObject({ isDuplicate })
    }
    expect(numbersIn(await textAfter(store, stream))).toBe(count + 1)
    return count
  } finally {
    await store.close()
  }
}

describe('a log whose end was torn', () => {
  test('holds all that was told while it was whole', async () => {
    const count = await reopen(copyWith(wal))
    expect(count).toBeGreaterThanOrEqual(toldWithin(wal.length))
    expect(count).toBeGreaterThanOrEqual(900)
  })

  test('cut off anywhere, it loses nothing from before the cut', async () => {
    const cuts = [0, 1, WAL_HEADER_BYTES - 1, WAL_HEADER_BYTES, wal.length - 1]
    for (let round = 0; round < 20; round++) cuts.push(Math.floor((wal.length * (round + Math.random())) / 20))
    const counts: number[] = []
    for (const cut of cuts.toSorted((a, b) => a - b)) {
      const count = await reopen(copyWith(wal.subarray(0, cut)))
      expect([cut, count]).toEqual([cut, expect.toSatisfy((held: number) => held >= toldWithin(cut))])
      counts.push(count)
    }
    // More of the log never holds less, and a cut does cost what came after it.
    expect(counts).toEqual(counts.toSorted((a, b) => a - b))
    expect(new Set(counts).size).toBeGreaterThan(10)
  })

  test('overwritten anywhere, with noise, zeroes or an older piece of itself, it loses nothing from before', async () => {
    for (let round = 0; round < 25; round++) {
      const at = Math.floor((wal.length * (round + Math.random())) / 25)
      const bytes = Math.min(wal.length - at, 1 + Math.floor(Math.random() * (round % 2 === 0 ? 8 : 20_000)))
      const torn = Buffer.from(wal)
      if (round % 3 === 0) randomBytes(bytes).copy(torn, at)
      else if (round % 3 === 1) torn.fill(0, at)
      else torn.copy(torn, at, 0, bytes)
      const count = await reopen(copyWith(torn))
      expect([at, count]).toEqual([at, expect.toSatisfy((held: number) => held >= toldWithin(at))])
    }
  })
})

describe('a file that lost a part of itself', () => {
  /** All in the file, nothing in a log. */
  const settled = async (): Promise<string> => {
    const folder = copyWith(wal)
    const store = open(folder)
    await store.close()
    // The last connection to close moves the log into it.
    const database = new DatabaseSync(join(folder, FILE))
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    database.close()
    expect(existsSync(join(folder, WAL))).toBe(false)
    expect(statSync(join(folder, FILE)).size).toBeGreaterThan(500_000)
    return folder
  }

  test.each([1, 2, 0.7, 0.3, 0.01])('is told, not taken for a shorter stream: %d', async (cut) => {
    const folder = await settled()
    const file = join(folder, FILE)
    const pages = statSync(file).size / PAGE_BYTES
    // Whole numbers: pages that are missing at the end; else the part that is left.
    const left = cut >= 1 ? pages - cut : Math.floor(pages * cut)
    truncateSync(file, left * PAGE_BYTES)
    expect(() => open(folder)).toThrow(expect.objectContaining({ code: 'storage_failed', status: 503 }))
  })

  test('is told when it is no database any more', async () => {
    const folder = await settled()
    writeFileSync(join(folder, FILE), randomBytes(20_000))
    expect(() => open(folder)).toThrow(expect.objectContaining({ code: 'storage_failed' }))
  })

  test('with a page of noise never gives out less than it held', async () => {
    const folder = await settled()
    const file = join(folder, FILE)
    const whole = readFileSync(file)
    const store = open(folder)
    const text = await textAfter(store, await store.open('numbers'))
    await store.close()
    let noticed = 0
    for (let page = 1; page < whole.length / PAGE_BYTES; page += 97) {
      const broken = Buffer.from(whole)
      // The head of a page says what it is and where its cells are.
      broken.fill(0xff, page * PAGE_BYTES, page * PAGE_BYTES + 8)
      const copy = copyWith(Buffer.alloc(0))
      writeFileSync(join(copy, FILE), broken)
      const outcome = await readAll(copy)
      // A page that holds nothing but the middle of a large chunk has no such head: SQLite cannot tell, but nothing is missing.
      if (outcome instanceof Error) noticed += 1
      else expect([page, outcome.length]).toEqual([page, text.length])
    }
    expect(noticed).toBeGreaterThan(0)
  })
})

/** The text of a copy, or why it cannot be had. */
async function readAll(folder: string): Promise<string | Error> {
  let store: StreamStore | null = null
  try {
    store = openStreamStore({ ...SETTINGS, folder, onError: () => undefined })
    return await textAfter(store, await store.open('numbers'))
  } catch (error) {
    expect(error).toMatchObject({ code: 'storage_failed' })
    return error as Error
  } finally {
    await store?.close()
  }
}
