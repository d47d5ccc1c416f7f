import { createReadStream } from 'node:fs'
import { closeSync, openSync, readSync } from 'node:fs'
import { LINE_LENGTH_MAX } from './entry.ts'

/** A line of a file, without its line end. */
export interface Line {
  readonly text: string
  /** Counts from 1. */
  readonly number: number
  /** False: the file ends without a line end. */
  readonly isWhole: boolean
}

const NEWLINE = 10
const TAIL_BYTES = 4 * LINE_LENGTH_MAX

/** Reads a file line by line. Memory is bounded: a longer line than an entry can be is cut. */
export async function* readLines(path: string): AsyncGenerator<Line> {
  let number = 0
  let rest: Buffer = Buffer.alloc(0)
  for await (const data of createReadStream(path) as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, start)) {
      number++
      yield { text: joined(rest, data.subarray(start, end)).toString('utf8'), number, isWhole: true }
      rest = Buffer.alloc(0)
      start = end + 1
    }
    rest = joined(rest, data.subarray(start))
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), number: number + 1, isWhole: false }
}

function joined(first: Buffer, second: Buffer): Buffer {
  if (first.length > LINE_LENGTH_MAX) return first
  return first.length === 0 ? Buffer.from(second) : Buffer.concat([first, second])
}

/** Returns the last lines of a file, the newest first, and how many bytes follow the last line end. Looks at the last 256 kB. */
export function lastLines(
  path: string,
  bytes: number,
): { readonly lines: readonly string[]; readonly tornBytes: number } {
  const start = Math.max(0, bytes - TAIL_BYTES)
  const tail = readBytes(path, start, bytes - start)
  const end = tail.lastIndexOf(NEWLINE)
  const lines = end <= 0 ? [] : tail.toString('utf8', 0, end).split('\n').toReversed()
  // The oldest may have begun before what was read.
  if (start > 0) lines.pop()
  return { lines, tornBytes: tail.length - end - 1 }
}

/** Reads a part of a file; less where the file ends before. */
export function readBytes(path: string, start: number, length: number): Buffer {
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(length)
    let filled = 0
    while (filled < length) {
      const count = readSync(file, buffer, filled, length - filled, start + filled)
      if (count === 0) break
      filled += count
    }
    return buffer.subarray(0, filled)
  } finally {
    closeSync(file)
  }
}
