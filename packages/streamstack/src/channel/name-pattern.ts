import { isVariableName } from '../definition/index.ts'

/** The name of a channel as it is declared: `rooms/{room}`. A name in braces stands for one whole segment. */
export interface NamePattern {
  readonly text: string
  readonly segments: readonly NameSegment[]
  /** In order. */
  readonly parameters: readonly string[]
}

type NameSegment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }

/** Values of the parameters of a pattern, without a prototype: they come from callers. */
export type NameParameters = Readonly<Record<string, string>>

/** More characters than this no name has, in UTF-8 bytes. */
const NAME_BYTES_MAX = 256
const HAS_CONTROL = /\p{Cc}/u

/** Names that mean something else: in expressions of channels, and in all expressions. */
const TAKEN: ReadonlySet<string> = new Set([
  'auth',
  'channel',
  'message',
  'metadata',
  '__proto__',
  'constructor',
  'prototype',
])

/** Returns the segments of a requested name; null if no channel can have it. */
export function nameSegments(name: string): readonly string[] | null {
  if (name.length > NAME_BYTES_MAX || Buffer.byteLength(name) > NAME_BYTES_MAX) return null
  if (HAS_CONTROL.test(name) || !name.isWellFormed()) return null
  const segments = name.split('/')
  return segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..') ? segments : null
}

/** The name that the rest of a path stands for; null: it stands for none. A slash that is escaped is no part of a name. */
export function nameOfPath(path: string): string | null {
  // Three bytes of an escape for each of the name.
  if (path.length > NAME_BYTES_MAX * 3) return null
  try {
    const segments = path.split('/').map((segment) => decodeURIComponent(segment))
    return segments.some((segment) => segment.includes('/')) ? null : segments.join('/')
  } catch {
    // Escapes that are no UTF-8.
    return null
  }
}

/** The path of a name. */
export function pathOfName(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/')
}

/** Reads a declared name, or says what is wrong with it in words that follow the name. */
export function parseNamePattern(text: string): NamePattern | { readonly fault: string } {
  const parts = nameSegments(text)
  if (parts === null) {
    return { fault: `is no name; use up to ${NAME_BYTES_MAX} bytes in segments divided by single slashes` }
  }
  const segments: NameSegment[] = []
  const parameters: string[] = []
  for (const part of parts) {
    if (/^:|\*/.test(part)) {
      const meant = part.replace(/[^\w]/g, '')
      const example = isVariableName(meant) && !TAKEN.has(meant) ? meant : 'x'
      return { fault: `has the segment "${part}"; what may be anything is named in braces, as in {${example}}` }
    }
    if (!/[{}]/.test(part)) {
      segments.push({ kind: 'text', text: part })
      continue
    }
    const name = /^\{([^{}]*)\}$/.exec(part)?.[1]
    if (name === undefined)
      return { fault: `has braces inside the segment "${part}"; a parameter is a whole segment, as in rooms/{room}` }
    if (!isVariableName(name))
      return { fault: `has the parameter "${name}"; use letters, digits and _, no leading digit` }
    if (TAKEN.has(name))
      return { fault: `has the parameter "${name}", which means something else in expressions; choose another` }
    if (parameters.includes(name)) return { fault: `has the parameter "${name}" twice; choose another for one of them` }
    parameters.push(name)
    segments.push({ kind: 'parameter', name })
  }
  return Object.freeze({ text, segments: Object.freeze(segments), parameters: Object.freeze(parameters) })
}

/** The values of the parameters when the segments fit the pattern; null: they do not. */
export function matchName({ segments }: NamePattern, name: readonly string[]): NameParameters | null {
  if (segments.length !== name.length) return null
  const parameters = Object.create(null) as Record<string, string>
  for (const [index, segment] of segments.entries()) {
    const given = name[index] as string
    if (segment.kind === 'parameter') parameters[segment.name] = given
    else if (segment.text !== given) return null
  }
  return parameters
}

/** The same for two patterns that fit the same names. Sorted, of two that fit one name the more exact comes first: text before a parameter, from left to right. */
export function patternKey({ segments }: NamePattern): string {
  return segments.map((segment) => (segment.kind === 'text' ? `\u0001${segment.text}` : '\u0002')).join('/')
}
