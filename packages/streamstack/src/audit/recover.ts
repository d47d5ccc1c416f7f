import { truncateSync, unlinkSync } from 'node:fs'
import { type Head, ORIGIN, parseEntry, readEntry } from './entry.ts'
import { lastLines } from './read-lines.ts'
import { type Segment, listSegments } from './segments.ts'

/** What a folder holds when a journal goes on in it. */
export interface Recovered {
  readonly segments: readonly Segment[]
  readonly head: Head
  /** Bytes of an entry that the last process began and did not finish; they are cut off. */
  readonly tornBytes: number
  /** Whether the last entry is not what a journal wrote. `verify` finds it. */
  readonly isDamaged: boolean
}

/** Finds the end of the chain in a folder. Cuts off what follows the last line end. Throws what the file system throws. */
export function recover(folder: string): Recovered {
  const segments = listSegments(folder)
  let tornBytes = 0
  for (let last = segments.pop(); last !== undefined; last = segments.pop()) {
    const tail = lastLines(last.path, last.bytes)
    const bytes = last.bytes - tail.tornBytes
    tornBytes += tail.tornBytes
    if (bytes === 0) {
      unlinkSync(last.path)
      continue
    }
    if (tail.tornBytes > 0) truncateSync(last.path, bytes)
    segments.push({ ...last, bytes })
    const [newest = ''] = tail.lines
    const entry = readEntry(newest)
    if (entry !== null) return { segments, head: { seq: entry.seq, hash: entry.hash }, tornBytes, isDamaged: false }
    return { segments, head: nearestHead(tail.lines, last), tornBytes, isDamaged: true }
  }
  return { segments, head: ORIGIN, tornBytes, isDamaged: false }
}

/** Where to go on after lines that are no entries: one number for each of them, so that no number comes twice. */
function nearestHead(lines: readonly string[], { first }: Segment): Head {
  for (const [index, line] of lines.entries()) {
    const entry = parseEntry(line)
    if (entry !== null) return { seq: entry.seq + index, hash: entry.hash }
  }
  return { seq: first - 1 + lines.length, hash: ORIGIN.hash }
}
