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
  /** Null: the file has a fault and was never valid, so the rules are unknown. */
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
   * does not tell its name at the start, every channel that it might be an exception from. Two files with one name close it, too, unless one of them
   * is in `previous`.
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
    // Any name may be the one that such a file declares.
    throw this.#unnamed.size > 0 ? undecided() : unknownChannel()
  }
}

/**
 * One declaration for each name. Of several files with one name the one that was served keeps it; if none was, the right one is unknown, and the name
 * is closed: otherwise the order of the files would decide who may.
 */
function withoutDuplicates(
  candidates: readonly Entry[],
  previous: readonly Entry[],
  issues: Issue[],
): readonly Entry[] {
  const served = new Map(
    previous.flatMap(({ pattern, file, channel }) => (channel === null ? [] : [[patternKey(pattern), file] as const])),
  )
  const groups = Map.groupBy(candidates, ({ pattern }) => patternKey(pattern))
  return Array.from(groups, ([key, group]) => {
    const first = group[0] as Entry
    if (group.length === 1) return first
    const holder = group.find(({ file }) => file === served.get(key))
    for (const entry of group) if (entry !== holder) issues.push(duplicateIssue(entry, holder, group))
    return holder ?? { file: first.file, pattern: first.pattern, channel: null }
  })
}

function duplicateIssue(entry: Entry, holder: Entry | undefined, group: readonly Entry[]): Issue {
  const { file, pattern, channel } = entry
  const position: Position = channel?.position ?? { file, line: 1, column: 1 }
  if (holder !== undefined) {
    const message = `The channel ${pattern.text} is already declared in ${holder.file}; change one of the two.`
    return { severity: 'error', message, position }
  }
  const others = group.filter((other) => other !== entry).map((other) => other.file)
  const message = `The channel ${pattern.text} is also declared in ${others.join(' and ')}, and it is undefined which of them counts. Change the name of all but one; until then the channel is refused.`
  return { severity: 'error', message, position }
}

/** The same message whether the channel is not declared, or declared and secret. */
export function unknownChannel(): StreamstackError {
  return new StreamstackError(
    'channel_unknown',
    'There is no such channel. Look at the name, and at what channels/ declares.',
  )
}

function undecided(): StreamstackError {
  return new StreamstackError(
    'unavailable',
    'A file in channels/ has a fault, or two declare the same name, so it is not known who may use this channel. Mend the file; the log of the server names it.',
  )
}
