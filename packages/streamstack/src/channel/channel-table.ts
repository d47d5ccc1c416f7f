import { StreamstackError } from '@streamstack/protocol'
import type { Issue, Position } from '../definition/types.ts'
import type { ChannelDeclaration, ReadChannel } from './declaration.ts'
import { type NameParameters, type NamePattern, matchName, nameSegments, patternKey } from './name-pattern.ts'

/** A file of `channels/` as it was read; null instead of what it says: it cannot be parsed. */
export interface ChannelFile {
  readonly file: string
  readonly read: ReadChannel | null
}

interface Entry {
  readonly file: string
  readonly pattern: NamePattern
  /** Null: the file has a fault and never was good, so that nobody knows who may. */
  readonly channel: ChannelDeclaration | null
}

/** A name that a declaration fits. */
export interface FoundChannel {
  readonly channel: ChannelDeclaration
  readonly parameters: NameParameters
}

/** The declared channels of a workspace, by name. */
export class ChannelTable {
  static readonly empty = new ChannelTable([], new Set())

  /** The more exact names first. */
  readonly #entries: readonly Entry[]
  /** Files that never were good and do not even tell the name of their channel. */
  readonly #unnamed: ReadonlySet<string>

  private constructor(entries: readonly Entry[], unnamed: ReadonlySet<string>) {
    this.#entries = entries.toSorted((a, b) => (patternKey(a.pattern) < patternKey(b.pattern) ? -1 : 1))
    this.#unnamed = unnamed
  }

  /**
   * What files declare. A file with a fault keeps the declaration that it had in `previous`. One that never had any closes its channel; and when it
   * does not tell its name at the start, every channel that it might be an exception from.
   */
  static of(files: readonly ChannelFile[], previous: ChannelTable | null, issues: Issue[]): ChannelTable {
    const candidates: Entry[] = []
    const previousEntries = previous === null ? [] : previous.#entries
    const unnamed = new Set<string>()
    for (const { file, read } of files) {
      issues.push(...(read?.issues ?? []))
      const before = previousEntries.find((entry) => entry.file === file)
      const pattern = read?.pattern ?? null
      if (read?.channel != null) candidates.push({ file, pattern: read.channel.pattern, channel: read.channel })
      else if (before?.channel != null) candidates.push(before)
      else if (pattern !== null) candidates.push({ file, pattern, channel: null })
      // A new file that is broken must not take away what worked without it.
      else if (previous === null || previous.#unnamed.has(file)) unnamed.add(file)
    }
    return new ChannelTable(withoutDuplicates(candidates, previousEntries, issues), unnamed)
  }

  get channels(): readonly ChannelDeclaration[] {
    return this.#entries.flatMap(({ channel }) => channel ?? [])
  }

  /** Whether a channel of that name is declared, or might be in a file that does not tell its name. */
  has(name: string): boolean {
    const segments = nameSegments(name)
    if (segments === null) return false
    return this.#unnamed.size > 0 || this.#entries.some(({ pattern }) => matchName(pattern, segments) !== null)
  }

  /** As they are declared. */
  get names(): readonly string[] {
    return this.#entries.map(({ pattern }) => pattern.text)
  }

  /** Throws `channel_unknown`, or `unavailable` when files with faults leave open who may. */
  find(name: string): FoundChannel {
    const segments = nameSegments(name)
    if (segments === null) throw unknownChannel()
    for (const { pattern, channel } of this.#entries) {
      const parameters = matchName(pattern, segments)
      if (parameters === null) continue
      if (channel === null || (pattern.parameters.length > 0 && this.#unnamed.size > 0)) throw undecided()
      return { channel, parameters }
    }
    throw unknownChannel()
  }
}

/** One declaration for each name. The file that has it keeps it; else the first by name. */
function withoutDuplicates(
  candidates: readonly Entry[],
  previous: readonly Entry[],
  issues: Issue[],
): readonly Entry[] {
  const holders = new Map(previous.map(({ pattern, file }) => [patternKey(pattern), file]))
  const kept = new Map<string, Entry>()
  const isHolder = ({ file, pattern }: Entry): boolean => holders.get(patternKey(pattern)) === file
  const sorted = candidates.toSorted((a, b) => Number(isHolder(b)) - Number(isHolder(a)) || (a.file < b.file ? -1 : 1))
  for (const entry of sorted) {
    const key = patternKey(entry.pattern)
    const other = kept.get(key)
    if (other === undefined) kept.set(key, entry)
    else {
      const position: Position = entry.channel?.position ?? { file: entry.file, line: 1, column: 1 }
      const message = `The channel ${entry.pattern.text} is already declared in ${other.file}; change one of the two.`
      issues.push({ severity: 'error', message, position })
    }
  }
  return [...kept.values()]
}

/** The same words whether there is nothing, or something that nobody may know of. */
export function unknownChannel(): StreamstackError {
  return new StreamstackError(
    'channel_unknown',
    'There is no such channel. Look at the name, and at what channels/ declares.',
  )
}

function undecided(): StreamstackError {
  return new StreamstackError(
    'unavailable',
    'A file in channels/ has a fault, so it is not known who may use this channel. Mend the file; the log of the server names it.',
  )
}
