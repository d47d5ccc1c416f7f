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
export type Instruction =
  | { op: 'one'; accepts: (codePoint: number) => boolean }
  | { op: 'fork'; next: number; other: number }
  | { op: 'jump'; next: number }
  | { op: 'assert'; holds: (before: number | null, after: number | null) => boolean }
  | { op: 'match' }

const INSTRUCTIONS_MAX = 1_000
/** Instructions times characters of one match: under 20 ms, because other calls wait for it. */
const WORK_MAX = 400_000

/**
 * Compiles a regular expression to a nondeterministic automaton that is walked in all its states at once (Thompson
 * 1968), so no input makes it backtrack.
 *
 * @throws PatternFault when the expression is wrong, cannot be matched so, or is too large.
 */
export function compilePattern(source: string): LinearPattern {
  const program = compileProgram(source)
  return { lengthMax: Math.floor(WORK_MAX / program.length), test: (text) => run(program, text) }
}

/** Compiles a regular expression to the instructions of its automaton. Throws PatternFault. */
export function compileProgram(source: string): readonly Instruction[] {
  const program: Instruction[] = []
  emit(program, parsePattern(source))
  add(program, { op: 'match' })
  return program
}

function add(program: Instruction[], instruction: Instruction): number {
  if (program.length >= INSTRUCTIONS_MAX)
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
  if (Math.max(min, max ?? 0) > INSTRUCTIONS_MAX) throw new PatternFault('counts too far. Use smaller counts.')
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

/** Whether a character is one of `\w`; the edge of the text is none. */
export function isWord(codePoint: number | null): boolean {
  if (codePoint === null) return false
  if (codePoint < 0x5b) return codePoint > 0x2f && (codePoint < 0x3a || codePoint > 0x40)
  return codePoint === 0x5f || (codePoint > 0x60 && codePoint < 0x7b)
}
