import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { makePrivateFolder } from '../storage/index.ts'
import { type Entry, type Head, readEntry, writeEntry } from './entry.ts'
import { lastLines } from './read-lines.ts'
import { recover } from './recover.ts'
import { segmentName } from './segments.ts'

/** Entries wait this long for others, which then share one write and one fsync. */
const BATCH_MS = 50
/** A batch of so many entries is written at once. */
const BATCH_ENTRIES = 256

/** What may wait for the disk. At the bound entries are lost, and counted. */
const PENDING_BYTES_MAX = 8 * 1_048_576

/** How long until a write that failed is tried again. */
const RETRY_MS = 1_000

/** A segment is closed at this size, and at the end of its day (UTC): retention removes whole segments. */
export const SEGMENT_BYTES = 4 * 1_048_576

export interface JournalOptions {
  readonly folder: string
  readonly now: () => Date
  /** Called when entries have reached the disk. */
  readonly onKept: () => void
  /** Called when writing begins to fail, and with null when it works again. */
  readonly onFailure: (error: Error | null) => void
  /** Called when the files are not as the journal left them. */
  readonly onTampering: (message: string) => void
}

/** A file of the journal; the last one is written. */
export interface JournalSegment {
  readonly path: string
  readonly first: number
  /** Bytes that have reached the disk. */
  bytes: number
  /** Nothing is added any more. */
  isSealed: boolean
}

interface OpenFile {
  readonly handle: FileHandle
  readonly segment: JournalSegment
}

export interface Retention {
  /** Null: entries of any age stay. */
  readonly maxAgeMs: number | null
  readonly maxBytes: number | null
}

interface Pending {
  readonly line: string
  readonly head: Head
  readonly time: string
}

/** An append-only file of entries, each chained to the one before, in segments. One process writes a folder. */
export class Journal {
  readonly #options: JournalOptions
  readonly #segments: JournalSegment[]
  /** Of the newest entry, on disk or not. */
  #head: Head
  #kept: Head
  #pending: Pending[] = []
  #pendingBytes = 0
  #file: OpenFile | null = null
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> | null = null
  #failure: Error | null = null
  /** Entries that were lost since the last that says so. */
  #lost: { count: number; since: string } | null = null
  #isClosed = false
  lostTotal = 0
  entriesTotal = 0

  /** Goes on where the folder ends. Throws what the file system throws. */
  constructor(options: JournalOptions) {
    this.#options = options
    makePrivateFolder(options.folder)
    const { segments, head, tornBytes, isDamaged } = recover(options.folder)
    this.#segments = segments.map(({ path, first, bytes }) => ({ path, first, bytes, isSealed: isDamaged }))
    this.#head = head
    this.#kept = head
    if (isDamaged) options.onTampering('The last entry of the audit is not as it was written.')
    if (tornBytes > 0) this.append({ type: 'recovered', torn_bytes: tornBytes })
  }

  /** The place of the newest entry on disk. */
  get kept(): Head {
    return this.#kept
  }

  get segments(): readonly JournalSegment[] {
    return this.#segments
  }

  /** Why nothing can be written now; null: it can. */
  get failure(): Error | null {
    return this.#failure
  }

  get pendingCount(): number {
    return this.#pending.length
  }

  /** Adds an entry. It is on disk within a batch; where the disk takes none, it waits as long as there is room. */
  append(fields: object): void {
    const time = this.#options.now().toISOString()
    if (this.#isClosed || this.#pendingBytes >= PENDING_BYTES_MAX) {
      this.#lost ??= { count: 0, since: time }
      this.#lost.count++
      this.lostTotal++
      return
    }
    this.#add(time, fields)
    if (this.#flushing !== null || this.#failure !== null) return
    if (this.#pending.length >= BATCH_ENTRIES) this.#start()
    else this.#timer ??= setTimeout(() => this.#start(), BATCH_MS).unref()
  }

  /** Settles when all that was added is on disk, or when writing fails. */
  async flush(): Promise<void> {
    this.#start()
    await this.#flushing
  }

  /** Removes the oldest segments that retention does not keep, after an entry that names the last of theirs. */
  async retain({ maxAgeMs, maxBytes }: Retention): Promise<void> {
    const nowMs = this.#options.now().getTime()
    const [oldest] = this.#segments
    let bytes = this.#segments.reduce((sum, segment) => sum + segment.bytes, 0)
    let count = 0
    let newest: Entry | null = null
    for (const segment of this.#segments.slice(0, -1)) {
      const last = readEntry(lastLines(segment.path, segment.bytes).lines[0] ?? '')
      if (last === null) {
        this.#options.onTampering(`The last entry of ${segment.path} is not as it was written, so the file is kept.`)
        break
      }
      const isTooOld = maxAgeMs !== null && nowMs - Date.parse(last.time) > maxAgeMs
      const isTooMuch = maxBytes !== null && bytes > maxBytes
      if (!isTooOld && !isTooMuch) break
      newest = last
      bytes -= segment.bytes
      count++
    }
    if (oldest === undefined || newest === null) return
    const { seq, hash } = newest
    this.append({ type: 'cut', through_seq: seq, through_hash: hash, entries: seq - oldest.first + 1 })
    await this.flush()
    if (this.#failure !== null) return
    for (const { path } of this.#segments.splice(0, count)) await unlink(path)
  }

  /** Writes what waits, tries no further where that fails, and closes the file. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#flushing
    await this.#writeAll()
    await this.#closeFile()
  }

  #add(time: string, fields: object): void {
    this.#tellLost(time)
    this.#chain(time, fields)
  }

  #tellLost(time: string): void {
    if (this.#lost === null) return
    const lost = this.#lost
    this.#lost = null
    this.#chain(time, { type: 'lost', ...lost })
  }

  #chain(time: string, fields: object): void {
    const { line, head } = writeEntry(this.#head, time, fields)
    this.#head = head
    this.#pending.push({ line, head, time })
    this.#pendingBytes += line.length
    this.entriesTotal++
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#flushing !== null || this.#pending.length === 0) return
    this.#flushing = this.#writeAll().finally(() => {
      this.#flushing = null
    })
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        await this.#write()
        if (this.#failure !== null) this.#options.onFailure((this.#failure = null))
        this.#tellLost(this.#options.now().toISOString())
      }
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #fail(error: Error): void {
    if (this.#failure === null) this.#options.onFailure(error)
    this.#failure = error
    if (!this.#isClosed) this.#timer ??= setTimeout(() => this.#start(), RETRY_MS).unref()
  }

  /**
   * Writes all that waits. What fails is written again at the same place of the same file: the bytes are the same, and an fsync that failed is
   * made good by writing them anew.
   */
  async #write(): Promise<void> {
    const [first] = this.#pending
    if (first === undefined) return
    const { handle, segment } = await this.#soundFile(first)
    const count = this.#pending.length
    const batch = this.#pending.slice(0, count)
    const data = Buffer.from(batch.map(({ line }) => `${line}\n`).join(''))
    for (let written = 0; written < data.length;) {
      const { bytesWritten } = await handle.write(data, written, data.length - written, segment.bytes + written)
      written += bytesWritten
    }
    await handle.datasync()
    segment.bytes += data.length
    this.#pending.splice(0, count)
    for (const { line } of batch) this.#pendingBytes -= line.length
    this.#kept = (batch.at(-1) as Pending).head
    this.#options.onKept()
  }

  /** The file for an entry. One that another program removed or shortened is left as it is, and told. */
  async #soundFile(first: Pending): Promise<OpenFile> {
    const file = await this.#fileFor(first)
    const { handle, segment } = file
    const { nlink, size } = await handle.stat()
    if (nlink > 0 && size >= segment.bytes) return file
    this.#options.onTampering(`Another program ${nlink === 0 ? 'removed' : 'shortened'} ${segment.path}.`)
    segment.isSealed = true
    if (nlink === 0) this.#segments.splice(this.#segments.indexOf(segment), 1)
    await this.#closeFile()
    return this.#fileFor(first)
  }

  async #fileFor({ head, time }: Pending): Promise<OpenFile> {
    const name = segmentName(head.seq, time)
    const last = this.#segments.at(-1)
    const isLast =
      last !== undefined && !last.isSealed && last.bytes < SEGMENT_BYTES && dayOf(last.path) === dayOf(name)
    if (this.#file !== null && (isLast || last?.bytes === 0)) return this.#file
    await this.#closeFile()
    if (isLast) {
      this.#file = { handle: await open(last.path, 'r+'), segment: last }
      return this.#file
    }
    const path = join(this.#options.folder, name)
    const handle = await open(path, 'wx', 0o600)
    const segment = { path, first: head.seq, bytes: 0, isSealed: false }
    this.#segments.push(segment)
    this.#file = { handle, segment }
    await syncFolder(this.#options.folder)
    return this.#file
  }

  async #closeFile(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.handle.close()
  }
}

/** The end of a segment's name, with its day. */
function dayOf(name: string): string {
  return name.slice(-'2026-01-01.jsonl'.length)
}

/** A new file is found after a crash of the machine only if its folder was written, too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
