import { parsePattern, PatternFault } from './pattern-syntax.ts'
import type { PatternNode } from './pattern-syntax.ts'

/** A pattern whose match takes time in proportion to the text, whatever the pattern and the text. */
export interface LinearPattern {
  /** Longer texts are not matched, so that no text keeps other calls waiting; UTF-16 units. */
  lengthMax: number
  /** Whether the pattern occurs in the text, as `RegExp.test` with the flag `u` tells it. */
  test(text: string): boolean
}

/** An instruction of the automaton; `next` and `other` are the places of further instructions. */
type Instruction =
  | { op: 'one'; accepts: (codePoint: number) => boolean }
  | { op: 'fork'; next: number; other: number }
  | { op: 'jump'; next: number }
  | { op: 'assert'; holds: (before: number | null, after: number | null) => boolean }
  | { op: 'match' }

const instructionsMax = 1_000
/** Instructions times characters of one match: under 20 ms, because other calls wait for it. */
const workMax = 400_000

/**
 * Compiles a regular expression to a nondeterministic automaton that is walked in all its states at once (Thompson
 * 1968), so no input makes it backtrack.
 *
 * @throws PatternFault when the expression is wrong, cannot be matched so, or is too large.
 */
export function compilePattern(source: string): LinearPattern {
  const program: Instruction[] = []
  emit(program, parsePattern(source))
  add(program, { op: 'match' })
  return { lengthMax: Math.floor(workMax / program.length), test: (text) => run(program, text) }
}

/** A pattern that is looked for at given places of a text. */
export interface PatternSearch {
  /** Whether a match can begin with this ASCII character. */
  begins(code: number): boolean
  /**
   * Length in UTF-16 units of the longest match that begins at `at`, at most `lengthMax`; 0 for none; -1 while `isWhole` is false and the
   * text ends before the answer is known.
   */
  longestAt(text: string, at: number, isWhole: boolean): number
}

export interface SearchOptions {
  /** Longer matches are not found; UTF-16 units. */
  lengthMax: number
  ignoreCase: boolean
}

/**
 * Compiles a regular expression to look for matches with. Its work is bounded by `lengthMax` times its size for each place at which a match
 * can begin.
 *
 * @throws PatternFault when the expression is wrong, cannot be matched so, is too large, matches the empty text, or has `^` or `$`: text
 * that is looked through while it arrives has no known beginning or end.
 */
export function compileSearch(source: string, { lengthMax, ignoreCase }: SearchOptions): PatternSearch {
  const program: Instruction[] = []
  emit(program, parsePattern(source))
  add(program, { op: 'match' })
  if (hasEdges(program)) throw new PatternFault('has `^` or `$`. Use `\\b` for the border of a word.')
  if (run(program, '')) throw new PatternFault('matches the empty text. Ask for one character at least.')
  const searched = ignoreCase ? program.map(withoutCase) : program
  const firsts = firstOnes(searched)
  const ascii = Array.from({ length: 128 }, (_, code) => firsts.some((accepts) => accepts(code)))
  return Object.freeze({
    begins: (code: number) => ascii[code] === true,
    longestAt: (text: string, at: number, isWhole: boolean) => longest(searched, text, at, isWhole, lengthMax),
  })
}

/** The edges of a text are seen by assertions that fail without a neighbour and hold with none. */
function hasEdges(program: readonly Instruction[]): boolean {
  return program.some(
    (one) => one.op === 'assert' && (one.holds(null, 0x61) !== one.holds(0x20, 0x61) || one.holds(0x61, null) !== one.holds(0x61, 0x20)),
  )
}

function withoutCase(instruction: Instruction): Instruction {
  if (instruction.op !== 'one') return instruction
  const { accepts } = instruction
  return {
    op: 'one',
    accepts: (codePoint) => accepts(codePoint) || otherCases(codePoint).some(accepts),
  }
}

function otherCases(codePoint: number): number[] {
  const character = String.fromCodePoint(codePoint)
  return [character.toLowerCase(), character.toUpperCase()].flatMap((other) => {
    const code = other.codePointAt(0)
    return code === undefined || other.length > 2 || code === codePoint ? [] : [code]
  })
}

/** What accepts the first character of a match; assertions count as holding. */
function firstOnes(program: readonly Instruction[]): ((codePoint: number) => boolean)[] {
  const seen = new Set<number>()
  const open = [0]
  const ones: ((codePoint: number) => boolean)[] = []
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (seen.has(place)) continue
    seen.add(place)
    const instruction = program[place]
    if (instruction === undefined || instruction.op === 'match') continue
    if (instruction.op === 'one') ones.push(instruction.accepts)
    else if (instruction.op === 'jump') open.push(instruction.next)
    else if (instruction.op === 'fork') open.push(instruction.other, instruction.next)
    else open.push(place + 1)
  }
  return ones
}

/** Walks all states at once from one place, until none is left, the bound is reached or the text ends. */
function longest(program: readonly Instruction[], text: string, at: number, isWhole: boolean, lengthMax: number): number {
  const entered = new Int32Array(program.length).fill(-1)
  let states: number[] = []
  let isMatch = false
  const enter = (start: number, step: number, before: number | null, after: number | null): void => {
    const open = [start]
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (entered[place] === step) continue
      entered[place] = step
      const instruction = program[place]
      if (instruction === undefined) continue
      if (instruction.op === 'match') isMatch = true
      else if (instruction.op === 'one') states.push(place)
      else if (instruction.op === 'jump') open.push(instruction.next)
      else if (instruction.op === 'fork') open.push(instruction.other, instruction.next)
      else if (instruction.holds(before, after)) open.push(place + 1)
    }
  }
  let found = 0
  let index = at
  let before = at === 0 ? null : codePointBefore(text, at)
  let waiting = [0]
  for (let step = 0; waiting.length > 0; step++) {
    const after = text.codePointAt(index) ?? null
    // Half of a pair at the end of what has arrived tells nothing yet.
    const isCut = after === null || (after >= 0xd800 && after < 0xdc00 && index + 1 === text.length)
    if (isCut && !isWhole) return -1
    states = []
    isMatch = false
    for (const place of waiting) enter(place, step, before, after)
    if (isMatch) found = index - at
    if (after === null) break
    const next = index + (after > 0xffff ? 2 : 1)
    if (next - at > lengthMax) break
    waiting = []
    for (const place of states) {
      const instruction = program[place]
      if (instruction?.op === 'one' && instruction.accepts(after)) waiting.push(place + 1)
    }
    before = after
    index = next
  }
  return found
}

function codePointBefore(text: string, at: number): number {
  const code = text.charCodeAt(at - 1)
  return (code & 0xfc00) === 0xdc00 && at > 1 ? (text.codePointAt(at - 2) ?? code) : code
}

function add(program: Instruction[], instruction: Instruction): number {
  if (program.length >= instructionsMax)
    throw new PatternFault('is too large. Use smaller counts, or fewer alternatives.')
  return program.push(instruction) - 1
}

function emit(program: Instruction[], node: PatternNode): void {
  switch (node.kind) {
    case 'empty':
      return
    case 'one':
      add(program, { op: 'one', accepts: node.accepts })
      return
    case 'start':
      add(program, { op: 'assert', holds: (before) => before === null })
      return
    case 'end':
      add(program, { op: 'assert', holds: (_before, after) => after === null })
      return
    case 'border':
      add(program, { op: 'assert', holds: (before, after) => (isWord(before) !== isWord(after)) !== node.negated })
      return
    case 'sequence':
      for (const part of node.nodes) emit(program, part)
      return
    case 'either':
      emitEither(program, node.nodes)
      return
    case 'repeat':
      emitRepeat(program, node.node, node.min, node.max)
  }
}

function emitEither(program: Instruction[], nodes: readonly PatternNode[]): void {
  const jumps: { op: 'jump'; next: number }[] = []
  for (const [index, node] of nodes.entries()) {
    if (index === nodes.length - 1) {
      emit(program, node)
      break
    }
    const fork = { op: 'fork' as const, next: program.length + 1, other: 0 }
    add(program, fork)
    emit(program, node)
    const jump = { op: 'jump' as const, next: 0 }
    add(program, jump)
    jumps.push(jump)
    fork.other = program.length
  }
  for (const jump of jumps) jump.next = program.length
}

function emitRepeat(program: Instruction[], node: PatternNode, min: number, max: number | null): void {
  if (Math.max(min, max ?? 0) > instructionsMax) throw new PatternFault('counts too far. Use smaller counts.')
  if (max === null && min > 0) {
    // The last copy repeats itself: one more copy for that would double the program with each `+` inside another.
    for (let count = 1; count < min; count += 1) emit(program, node)
    const place = program.length
    emit(program, node)
    add(program, { op: 'fork', next: place, other: program.length + 1 })
    return
  }
  if (max === null) {
    const fork = { op: 'fork' as const, next: program.length + 1, other: 0 }
    const place = add(program, fork)
    emit(program, node)
    add(program, { op: 'jump', next: place })
    fork.other = program.length
    return
  }
  for (let count = 0; count < min; count += 1) emit(program, node)
  const forks: { op: 'fork'; next: number; other: number }[] = []
  for (let count = min; count < max; count += 1) {
    const fork = { op: 'fork' as const, next: program.length + 1, other: 0 }
    add(program, fork)
    forks.push(fork)
    emit(program, node)
  }
  for (const fork of forks) fork.other = program.length
}

function run(program: readonly Instruction[], text: string): boolean {
  /** The step at which an instruction was last entered: each is entered once a step. */
  const entered = new Int32Array(program.length).fill(-1)
  let step = 0
  let states: number[] = []
  let before: number | null = null

  /** Follows what needs no character from `start`, and adds what waits for one to `states`; true at a match. */
  function enter(start: number, after: number | null): boolean {
    const open = [start]
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (entered[place] === step) continue
      entered[place] = step
      const instruction = program[place]
      if (instruction === undefined) continue
      if (instruction.op === 'match') return true
      if (instruction.op === 'one') states.push(place)
      else if (instruction.op === 'jump') open.push(instruction.next)
      else if (instruction.op === 'fork') open.push(instruction.other, instruction.next)
      else if (instruction.holds(before, after)) open.push(place + 1)
    }
    return false
  }

  let index = 0
  let waiting: number[] = []
  for (;;) {
    const after = text.codePointAt(index) ?? null
    states = []
    for (const place of waiting) if (enter(place, after)) return true
    if (enter(0, after)) return true
    if (after === null) return false
    waiting = []
    for (const place of states) {
      const instruction = program[place]
      if (instruction?.op === 'one' && instruction.accepts(after)) waiting.push(place + 1)
    }
    before = after
    index += after > 0xffff ? 2 : 1
    step += 1
  }
}

function isWord(codePoint: number | null): boolean {
  return codePoint !== null && codePoint < 128 && /\w/.test(String.fromCharCode(codePoint))
}
