import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Head, parseEntry, writeEntry } from './entry.ts'
import { Journal } from './journal.ts'
import { type Verification, verifyAudit } from './verify.ts'

/** A journal of so many entries on each of some days, and its lines. */
async function written(folder: string, days: readonly number[]): Promise<{ lines: readonly string[]; head: Head }> {
  let day = 1
  const now = (): Date => new Date(Date.UTC(2026, 0, day))
  const fail = (thing: Error | string | null): void => {
    if (thing !== null) throw new Error('The journal is not sound.', { cause: thing })
  }
  const journal = new Journal({ folder, now, onKept: () => undefined, onFailure: fail, onTampering: fail })
  for (const count of days) {
    for (let n = 0; n < count; n++)
      journal.append({ type: 'call', subject: `ann ${n}`, status: 200, nested: { b: 1.5, a: 'ü' } })
    await journal.flush()
    day++
  }
  const head = journal.kept
  await journal.close()
  return { lines: linesIn(folder), head }
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .toSorted()
    .map((name) => join(folder, name))
}

function linesIn(folder: string): readonly string[] {
  return filesIn(folder).flatMap((path) => readFileSync(path, 'utf8').split('\n').slice(0, -1))
}

/** Puts other lines into one file. */
function rewrite(folder: string, lines: readonly string[]): void {
  const [first = '', ...others] = filesIn(folder)
  for (const path of others) rmSync(path)
  writeFileSync(first, lines.map((line) => `${line}\n`).join(''))
}

/** The same entries with another one in the place of one, and all that follow chained to it. */
function forged(lines: readonly string[], at: number, subject: string): string[] {
  const entries = lines.map((line) => parseEntry(line) as NonNullable<ReturnType<typeof parseEntry>>)
  let head = { seq: at, hash: entries[at]?.previous ?? '' }
  const rest = entries.slice(at).map(({ seq: _seq, hash: _hash, previous: _previous, time, ...fields }, index) => {
    const made = writeEntry(head, time, index === 0 ? { ...fields, subject } : fields)
    head = made.head
    return made.line
  })
  return [...lines.slice(0, at), ...rest]
}

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'streamstack-audit-'))
  try {
    await act(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function tampered(
  act: (lines: string[]) => readonly string[],
  heads: 'with head' | 'without' = 'without',
): Promise<Verification> {
  let found: Verification | null = null
  await inFolder(async (folder) => {
    const { lines, head } = await written(folder, [4, 4, 4])
    rewrite(folder, act([...lines]))
    found = await verifyAudit(folder, heads === 'with head' ? [head] : [])
  })
  return found as unknown as Verification
}

test('entries over several days are verified as they were written', async () => {
  await inFolder(async (folder) => {
    const { head } = await written(folder, [3, 0, 2])
    expect(filesIn(folder)).toHaveLength(2)
    expect(await verifyAudit(folder, [head])).toEqual({
      entries: 5,
      first: 1,
      head,
      removedByRetention: 0,
      tornBytes: 0,
      lost: 0,
      fault: null,
    })
  })
})

test('the hash of an entry is what any tool computes from its line', async () => {
  await inFolder(async (folder) => {
    const { lines } = await written(folder, [2])
    const { createHash } = await import('node:crypto')
    for (const line of lines) {
      const hash = /,?"hash":"([0-9a-f]{64})"/
      const without = line.replace(hash, '').replace('{,', '{')
      expect(createHash('sha256').update(without).digest('hex')).toBe(hash.exec(line)?.[1])
    }
  })
})

describe('verify names the first bad entry', () => {
  const swapped = (lines: string[], one: number, other: number): string[] => {
    const first = lines[one] ?? ''
    const second = lines[other] ?? ''
    lines[one] = second
    lines[other] = first
    return lines
  }
  const cases: [string, (lines: string[]) => readonly string[], Partial<NonNullable<Verification['fault']>>][] = [
    ['a changed field', (l) => l.with(5, (l[5] ?? '').replace('200', '201')), { kind: 'changed', seq: 6 }],
    ['a changed hash', (l) => l.with(5, (l[5] ?? '').replace(/"hash":"./, '"hash":"z')), { kind: 'changed', seq: 6 }],
    [
      'another order of keys',
      (l) => l.with(5, (l[5] ?? '').replace(/^\{(.*),("type":"call")\}$/, '{$2,$1}')),
      { kind: 'changed', seq: 6 },
    ],
    ['a blank', (l) => l.with(5, ` ${l[5]}`), { kind: 'changed', seq: 6 }],
    ['a line of noise', (l) => l.with(5, 'noise'), { kind: 'changed', seq: 6 }],
    [
      'a replaced entry with a hash of its own',
      (l) => l.with(5, forged(l, 5, 'eve')[5] ?? ''),
      { kind: 'changed', seq: 6 },
    ],
    ['a changed first entry', (l) => l.with(0, forged(l, 0, 'eve')[0] ?? ''), { kind: 'changed', seq: 1 }],
    ['a removed entry', (l) => l.toSpliced(5, 1), { kind: 'removed', seq: 6 }],
    ['removed entries', (l) => l.toSpliced(5, 3), { kind: 'removed', seq: 6 }],
    ['a removed beginning', (l) => l.slice(3), { kind: 'removed', seq: 1 }],
    ['entries that were swapped', (l) => swapped(l, 5, 6), { kind: 'reordered', seq: 7 }],
    ['entries that were swapped over others', (l) => swapped(l, 2, 9), { kind: 'reordered', seq: 10 }],
    ['an entry that was moved to the front', (l) => [l[7] ?? '', ...l.toSpliced(7, 1)], { kind: 'reordered', seq: 8 }],
    ['an entry that was moved to the end', (l) => [...l.toSpliced(5, 1), l[5] ?? ''], { kind: 'reordered', seq: 7 }],
    ['a repeated entry', (l) => l.toSpliced(6, 0, l[5] ?? ''), { kind: 'inserted', seq: 6 }],
    ['an old entry in the middle', (l) => l.toSpliced(8, 0, l[1] ?? ''), { kind: 'inserted', seq: 2 }],
    ['an inserted line of noise', (l) => l.toSpliced(6, 0, 'noise'), { kind: 'inserted', seq: 7 }],
    [
      'an inserted entry with a hash of its own',
      (l) => l.toSpliced(6, 0, forged(l, 6, 'eve')[6] ?? ''),
      { kind: 'inserted', seq: 7 },
    ],
  ]
  test.each(cases)('%s', async (_name, act, fault) => {
    expect((await tampered(act)).fault).toMatchObject(fault)
  })

  test('where an entry was inserted, it names that one, and not the one that was written', async () => {
    const { fault } = await tampered((l) => l.toSpliced(6, 0, forged(l, 6, 'eve')[6] ?? ''))
    expect(fault?.place).toMatch(/:7$/)
  })

  test('a cut tail is found with a head that was kept elsewhere, and only with it', async () => {
    expect((await tampered((l) => l.slice(0, 9))).fault).toBeNull()
    expect((await tampered((l) => l.slice(0, 9), 'with head')).fault).toMatchObject({
      kind: 'cut',
      seq: 10,
      place: null,
    })
    expect((await tampered(() => [], 'with head')).fault).toMatchObject({ kind: 'cut', seq: 1 })
  })

  test('entries that were all written anew are found with a head that was kept elsewhere, and only with it', async () => {
    expect((await tampered((l) => forged(l, 3, 'eve'))).fault).toBeNull()
    expect((await tampered((l) => forged(l, 3, 'eve'), 'with head')).fault).toMatchObject({ kind: 'changed', seq: 12 })
  })
})

test('whatever is done to the lines is found with the head: nothing but the lines as they were passes', async () => {
  await inFolder(async (folder) => {
    const { lines, head } = await written(folder, [6, 6])
    const index = fc.nat({ max: lines.length - 1 })
    const change = fc.oneof(
      index.map((at) => (l: string[]) => l.toSpliced(at, 1)),
      fc.tuple(index, index).map(
        ([from, to]) =>
          (l: string[]) =>
            l.toSpliced(from, 1).toSpliced(to, 0, l[from] ?? ''),
      ),
      fc.tuple(index, index).map(
        ([from, to]) =>
          (l: string[]) =>
            l.toSpliced(to, 0, l[from] ?? ''),
      ),
      index.map((at) => (l: string[]) => (at < l.length ? forged(l, at, 'eve') : l)),
      index.map((at) => (l: string[]) => l.slice(0, at)),
      fc.tuple(index, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, byte, bits]) => (l: string[]) => {
        const data = Buffer.from(l[at] ?? '')
        const place = byte % Math.max(1, data.length)
        if (data.length > 0) data[place] = (data[place] ?? 0) ^ bits
        return l.with(Math.min(at, l.length - 1), data.toString('latin1'))
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        let now = [...lines]
        for (const one of changes) {
          // What was already made unreadable cannot be forged further.
          if (now.length === 0 || now.some((line) => parseEntry(line) === null)) break
          now = [...one(now)]
        }
        rewrite(folder, now)
        const isSame = now.join('\n') === lines.join('\n')
        const { fault } = await verifyAudit(folder, [head])
        expect(fault === null, JSON.stringify({ fault, now }, null, 1)).toBe(isSame)
      }),
      { numRuns: 150 },
    )
  })
})

test('a torn last line is no tampering', async () => {
  await inFolder(async (folder) => {
    const { lines, head } = await written(folder, [5])
    const [path = ''] = filesIn(folder)
    for (const torn of ['{', (lines[2] ?? '').slice(0, 40), '\0'.repeat(512)]) {
      writeFileSync(path, `${lines.join('\n')}\n${torn}`)
      expect(await verifyAudit(folder, [head])).toMatchObject({ entries: 5, tornBytes: torn.length, fault: null })
    }
  })
})
