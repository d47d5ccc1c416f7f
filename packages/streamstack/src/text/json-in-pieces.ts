import type { Value } from '@streamstack/protocol'
import { jsonStringEnd } from './json-string-end.ts'

/** Characters of a piece. One whose names are all different takes up to 5 ms. */
const PIECE_CHARACTERS = 16_384

const BLANK = /^[ \t\n\r]*$/

/** A list or an object that is made of several pieces. */
export type Made = Value[] | { [name: string]: Value }

/** What is done with the parts of a value while it is made. */
export interface PieceMaker {
  /** Parses JSON text like `JSON.parse`. */
  parse(text: string): Value
  /** Called with the list or object of one piece, before its members are moved to the end of `made`. `depth`: lists and objects that `made` stands in, itself included. */
  moves?(piece: Made, made: Made, depth: number): void
  /** Called with a list or object that is complete, before it becomes a member of `parent`. */
  completes?(made: Made, parent: Made | null): void
}

/** A list or an object that is open at the place that has been reached. */
interface Open {
  readonly isList: boolean
  /** Of its bracket. */
  readonly at: number
  /** Null: all of it belongs to one piece so far. */
  made: Made | null
  /** Where the members begin that have not been made. */
  from: number
  /** The last comma between its members behind `from`; -1: none. */
  comma: number
  /** Whether a member that was made by itself ends at `from`. */
  isBehindMember: boolean
}

/**
 * Parses JSON text like `JSON.parse`, a piece of about 16 KiB after the other, and yields behind each: `JSON.parse` takes up to 300 ms for 1 MiB
 * of objects whose names are all different, as V8 makes a hidden class for each name. Throws `SyntaxError`.
 */
export function* jsonInPieces(
  text: string,
  maker: PieceMaker,
  pieceCharacters = PIECE_CHARACTERS,
): Generator<undefined, Value> {
  const open: Open[] = []
  let root: Made | null = null
  let at = 0
  for (; at < text.length && root === null; at++) {
    const code = text.charCodeAt(at)
    if (code === 34) {
      at = jsonStringEnd(text, at) - 1
    } else if (code === 91 || code === 123) {
      if (open.length === 0 && !BLANK.test(text.slice(0, at))) throw invalid(0)
      open.push({ isList: code === 91, at, made: null, from: at + 1, comma: -1, isBehindMember: false })
    } else if (code === 44) {
      const inner = open.at(-1)
      if (inner === undefined) throw invalid(at)
      inner.comma = at
      if (at - inner.from >= pieceCharacters || inner.isBehindMember) {
        for (const [depth, one] of open.entries()) make(one, depth + 1)
        yield
      }
    } else if (code === 93 || code === 125) {
      const inner = open.pop()
      if (inner === undefined || inner.isList !== (code === 93)) throw invalid(at)
      if (inner.made === null && open.length > 0) continue
      // Nothing of the outermost one was made: it is small.
      if (inner.made === null) break
      inner.comma = at
      make(inner, open.length + 1)
      const parent = open.at(-1)
      maker.completes?.(inner.made, parent?.made ?? null)
      if (parent === undefined) root = inner.made
      else attach(parent, inner, at + 1)
      yield
    }
  }
  if (open.length > 0) throw invalid(text.length)
  if (root === null) return maker.parse(text)
  if (!BLANK.test(text.slice(at))) throw invalid(at)
  return root

  /** Makes the members up to the last comma; one after it is made by itself. */
  function make(one: Open, depth: number): void {
    const made = (one.made ??= one.isList ? [] : {})
    if (one.comma === -1) return
    const members = text.slice(one.from, one.comma)
    if (one.isBehindMember) {
      if (!BLANK.test(members)) throw invalid(one.from)
    } else {
      if (BLANK.test(members)) throw invalid(one.comma)
      const piece = maker.parse(one.isList ? `[${members}]` : `{${members}}`) as Made
      maker.moves?.(piece, made, depth)
      move(piece, made)
    }
    one.from = one.comma + 1
    one.comma = -1
    one.isBehindMember = false
  }

  /** Adds a complete member that was made by itself, and ends at `end`. */
  function attach(parent: Open, { at: begin, made }: Open, end: number): void {
    // No comma stands between this member and the one before it.
    if (parent.isBehindMember) throw invalid(parent.from)
    const before = text.slice(parent.from, begin)
    if (Array.isArray(parent.made)) {
      if (!BLANK.test(before)) throw invalid(parent.from)
      parent.made.push(made)
    } else {
      const [name, ...others] = Object.keys(JSON.parse(`{${before}[]}`) as object)
      if (name === undefined || others.length > 0) throw invalid(parent.from)
      put(parent.made as { [name: string]: Value }, name, made)
    }
    parent.from = end
    parent.comma = -1
    parent.isBehindMember = true
  }
}

function move(piece: Made, made: Made): void {
  if (Array.isArray(made)) {
    for (const item of piece as Value[]) made.push(item)
    return
  }
  for (const name of Object.keys(piece)) put(made, name, (piece as { [name: string]: Value })[name] as Value)
}

function put(made: { [name: string]: Value }, name: string, value: Value): void {
  // As JSON.parse does: no setter runs.
  if (name === '__proto__')
    Object.defineProperty(made, name, { value, writable: true, enumerable: true, configurable: true })
  else made[name] = value
}

function invalid(at: number): SyntaxError {
  return new SyntaxError(`The JSON text is not valid near position ${at}.`)
}
