import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** A file of entries, one a line. Its name begins with the number of its first entry, so that names sort like entries. */
export interface Segment {
  readonly path: string
  readonly name: string
  /** Number of its first entry. */
  readonly first: number
  readonly bytes: number
}

const NAME = /^(\d{16})-\d{4}-\d\d-\d\d\.jsonl$/

/** The name of a segment that begins with an entry; `time` is when that was written (ISO 8601). */
export function segmentName(first: number, time: string): string {
  return `${String(first).padStart(16, '0')}-${time.slice(0, 10)}.jsonl`
}

/** Returns the segments in a folder, in the order of their names; none if there is no such folder. */
export function listSegments(folder: string): Segment[] {
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return names.toSorted().flatMap((name) => {
    const [, first] = NAME.exec(name) ?? []
    if (first === undefined) return []
    const path = join(folder, name)
    return [{ path, name, first: Number(first), bytes: statSync(path).size }]
  })
}
