import { type Entry, type Head, ORIGIN, parseEntry, readEntry } from './entry.ts'
import { readLines } from './read-lines.ts'
import { type Segment, listSegments } from './segments.ts'

/** What was done to the entries. */
export type FaultKind = 'changed' | 'removed' | 'reordered' | 'inserted' | 'cut'

/** The first place at which the entries are not what was written. */
export interface Fault {
  readonly kind: FaultKind
  /** Number of the first bad entry, or of the first that is missing. */
  readonly seq: number
  /** Name of the file and number of the line; null: it is missing at the end. */
  readonly place: string | null
  readonly message: string
}

export interface Verification {
  readonly entries: number
  /** Number of the first entry; null: there is none. */
  readonly first: number | null
  /** The newest entry; `seq` is 0 where there is none. */
  readonly head: Head
  /** Entries that retention removed before the first. */
  readonly removedByRetention: number
  /** Bytes after the last line end: an entry that a server writes just now, or was writing when it was killed. */
  readonly tornBytes: number
  /** Entries that a server lost and says so. */
  readonly lost: number
  readonly fault: Fault | null
}

/** An entry, or a line that is none, with its place. */
interface Read {
  readonly entry: Entry | null
  /** The entry as it can be read, whether or not its hash is right. */
  readonly parsed: Entry | null
  readonly place: string
  readonly expectedFirst: number
}

/** How far behind a gap is looked for the entry that is missing there. */
const SEARCH_MAX = 100_000

/**
 * Verifies all entries of a folder, and that they hold the heads that were kept elsewhere. Reads the files line by line; a server may write them
 * meanwhile. Rejects with what the file system throws.
 */
export async function verifyAudit(folder: string, heads: readonly Head[] = []): Promise<Verification> {
  const verifier = new Verifier(heads)
  const entries = readAll(listSegments(folder), (bytes) => (verifier.tornBytes = bytes))
  for await (const read of entries) {
    const kind = verifier.take(read)
    if (kind === null) continue
    verifier.fault = await faultOf(kind, verifier, read, entries)
    break
  }
  return verifier.result()
}

/** What is wrong with an entry, before it is known why. */
type Suspicion = 'unreadable' | 'gap' | 'repeated' | 'unlinked' | 'other-head'

class Verifier {
  fault: Fault | null = null
  tornBytes = 0
  last: Read | null = null
  head: Head = ORIGIN
  readonly #heads: ReadonlyMap<number, readonly Head[]>
  readonly #headsMax: number
  #entries = 0
  #lost = 0
  #first: number | null = null
  /** What the first entry follows, where it is not the first of all; null: nothing says yet that it may. */
  #front: { readonly head: Head; readonly place: string; isAnchored: boolean } | null = null

  constructor(heads: readonly Head[]) {
    this.#heads = Map.groupBy(heads, ({ seq }) => seq)
    this.#headsMax = heads.reduce((most, { seq }) => Math.max(most, seq), 0)
  }

  take(read: Read): Suspicion | null {
    const { entry } = read
    if (entry === null) return 'unreadable'
    if (this.last === null) {
      if (entry.seq !== read.expectedFirst) return entry.seq > read.expectedFirst ? 'gap' : 'repeated'
      this.#begin(entry, read.place)
    } else if (entry.seq > this.head.seq + 1) return 'gap'
    else if (entry.seq <= this.head.seq) return 'repeated'
    else if (entry.previous !== this.head.hash) return 'unlinked'
    if (this.#heads.get(entry.seq)?.some(({ hash }) => hash !== entry.hash) === true) return 'other-head'
    this.#anchor(entry)
    this.last = read
    this.head = { seq: entry.seq, hash: entry.hash }
    this.#entries++
    if (entry.type === 'lost' && typeof entry['count'] === 'number') this.#lost += entry['count']
    return null
  }

  result(): Verification {
    this.fault ??= this.#frontFault() ?? this.#tailFault()
    return {
      entries: this.#entries,
      first: this.#first,
      head: this.head,
      removedByRetention: this.#front?.isAnchored === true ? this.#front.head.seq : 0,
      tornBytes: this.tornBytes,
      lost: this.#lost,
      fault: this.fault,
    }
  }

  #begin({ seq, previous }: Entry, place: string): void {
    this.#first = seq
    if (seq === 1 && previous === ORIGIN.hash) return
    this.#front = { head: { seq: seq - 1, hash: previous }, place, isAnchored: false }
  }

  /** Retention leaves an entry that names the last of those that it removes. */
  #anchor(entry: Entry): void {
    const front = this.#front
    if (front === null || entry.type !== 'cut') return
    if (entry['through_seq'] === front.head.seq && entry['through_hash'] === front.head.hash) front.isAnchored = true
  }

  #frontFault(): Fault | null {
    const front = this.#front
    if (front === null || front.isAnchored) return null
    const { seq } = front.head
    return {
      kind: seq === 0 ? 'changed' : 'removed',
      seq: 1,
      place: front.place,
      message:
        seq === 0
          ? 'Entry 1 does not begin the chain.'
          : `Entries 1 to ${seq} are missing, and no entry says that retention removed them.`,
    }
  }

  #tailFault(): Fault | null {
    if (this.#headsMax <= this.head.seq) return null
    const first = this.head.seq + 1
    return {
      kind: 'cut',
      seq: first,
      place: null,
      message: `Entries ${first} to ${this.#headsMax} are missing at the end: the head kept elsewhere is entry ${this.#headsMax}.`,
    }
  }
}

async function faultOf(
  suspicion: Suspicion,
  { last, head }: Verifier,
  read: Read,
  following: AsyncGenerator<Read>,
): Promise<Fault> {
  const { parsed, place } = read
  const expected = last === null ? read.expectedFirst : head.seq + 1
  const seq = parsed?.seq ?? expected
  const after = last === null ? 'at the beginning' : `after entry ${head.seq}`
  switch (suspicion) {
    case 'unreadable': {
      if (parsed !== null && last !== null && parsed.seq <= head.seq) {
        return fault('inserted', seq, place, `An entry with the number ${seq} was inserted ${after}.`)
      }
      const follower = await nextOf(following)
      // The entry that belongs here comes next, so this one is too many.
      if (follower?.entry?.previous === head.hash && follower.entry.seq === expected) {
        return fault('inserted', seq, place, `A line was inserted ${after}.`)
      }
      return fault('changed', seq, place, `Entry ${seq} is not as it was written: its hash does not fit its fields.`)
    }
    case 'gap': {
      const found = await find(following, expected)
      if (found !== null)
        return fault('reordered', seq, place, `Entry ${seq} stands before entry ${expected} (${found}).`)
      const missing = seq - expected === 1 ? `Entry ${expected} is` : `Entries ${expected} to ${seq - 1} are`
      return fault('removed', expected, place, `${missing} missing before entry ${seq}.`)
    }
    case 'repeated': {
      const follower = await nextOf(following)
      const isSecondReal = follower?.entry?.previous === parsed?.hash && parsed?.seq === head.seq
      const badPlace = isSecondReal ? (last?.place ?? place) : place
      return fault('inserted', seq, badPlace, `There is more than one entry ${seq}: one was inserted.`)
    }
    case 'unlinked':
      return fault(
        'changed',
        head.seq,
        last?.place ?? place,
        `Entry ${head.seq} is not the one that entry ${seq} follows: it was replaced.`,
      )
    case 'other-head':
      return fault(
        'changed',
        seq,
        place,
        `Entry ${seq} does not have the hash of the head kept elsewhere: it or entries before it were replaced.`,
      )
  }
}

function fault(kind: FaultKind, seq: number, place: string | null, message: string): Fault {
  return { kind, seq, place, message }
}

async function nextOf(following: AsyncGenerator<Read>): Promise<Read | null> {
  const { value, done } = await following.next()
  return done === true ? null : value
}

/** The place of an entry further behind; null: it is not there. */
async function find(following: AsyncGenerator<Read>, seq: number): Promise<string | null> {
  let searched = 0
  for await (const { parsed, place } of following) {
    if (parsed?.seq === seq) return place
    if (++searched >= SEARCH_MAX) break
  }
  return null
}

async function* readAll(segments: readonly Segment[], onTorn: (bytes: number) => void): AsyncGenerator<Read> {
  for (const [index, { path, name, first }] of segments.entries()) {
    for await (const { text, number, isWhole } of readLines(path)) {
      if (!isWhole && index === segments.length - 1) {
        onTorn(Buffer.byteLength(text))
        return
      }
      const entry = readEntry(text)
      yield { entry, parsed: entry ?? parseEntry(text), place: `${name}:${number}`, expectedFirst: first }
    }
  }
}
