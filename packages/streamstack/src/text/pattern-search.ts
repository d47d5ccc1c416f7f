import { type Instruction, compileProgram, isWord } from './linear-pattern.ts'
import { PatternFault } from './pattern-syntax.ts'

/** A pattern that is looked for at given places of a text. */
export interface PatternSearch {
  /** Whether a match can begin with this ASCII character. */
  begins(code: number): boolean
  /**
   * Length in UTF-16 units of the longest match that begins at `at`, at most `lengthMax`; 0 for none; -1 while `isWhole` is false and the
   * text ends before the answer is known.
   */
  longestAt(text: string, at: number, isWhole: boolean): number
  /** Lets go of the text that was looked through last. */
  forget(): void
}

export interface SearchOptions {
  /** Longer matches are not found; UTF-16 units, at most 4,000. */
  lengthMax: number
  ignoreCase: boolean
}

/**
 * Compiles a regular expression to look for matches with. Work is bounded by `lengthMax` characters for each place at which a match can
 * begin; states of the automaton are worked out once and remembered (lazy subset construction, as RE2 does it).
 *
 * @throws PatternFault when the expression is wrong, cannot be matched so, is too large, matches the empty text, or has `^` or `$`: text
 * that is looked through while it arrives has no known beginning or end.
 */
export function compileSearch(source: string, { lengthMax, ignoreCase }: SearchOptions): PatternSearch {
  const compiled = compileProgram(source)
  if (hasEdges(compiled)) throw new PatternFault('has `^` or `$`. Use `\\b` for the border of a word.')
  const program = ignoreCase ? compiled.map(withoutCase) : compiled
  const automaton = new Automaton(program)
  if (automaton.matchesEmpty()) throw new PatternFault('matches the empty text. Ask for one character at least.')
  const firsts = firstOnes(program)
  const ascii = Array.from({ length: 128 }, (_, code) => firsts.some((accepts) => accepts(code)))
  return Object.freeze({
    begins: (code: number) => ascii[code] === true,
    longestAt: (text: string, at: number, isWhole: boolean) => automaton.longest(text, at, isWhole, lengthMax),
    forget: () => automaton.forget(),
  })
}

/** Edges of the text are told from other borders by assertions that treat no neighbour otherwise than one that is no word. */
function hasEdges(program: readonly Instruction[]): boolean {
  return program.some(
    (one) =>
      one.op === 'assert' &&
      (one.holds(null, 0x61) !== one.holds(0x20, 0x61) || one.holds(0x61, null) !== one.holds(0x61, 0x20)),
  )
}

function withoutCase(instruction: Instruction): Instruction {
  if (instruction.op !== 'one') return instruction
  const { accepts } = instruction
  return { op: 'one', accepts: (codePoint) => accepts(codePoint) || otherCases(codePoint).some(accepts) }
}

function otherCases(codePoint: number): number[] {
  const character = String.fromCodePoint(codePoint)
  return [character.toLowerCase(), character.toUpperCase()].flatMap((other) => {
    const code = other.codePointAt(0) as number
    return String.fromCodePoint(code) === other && code !== codePoint ? [code] : []
  })
}

/** What accepts the first character of a match; assertions count as holding. */
function firstOnes(program: readonly Instruction[]): ((codePoint: number) => boolean)[] {
  const seen = new Set<number>()
  const open = [0]
  const ones: ((codePoint: number) => boolean)[] = []
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const instruction = program[place]
    if (seen.has(place) || instruction === undefined) continue
    seen.add(place)
    if (instruction.op === 'one') ones.push(instruction.accepts)
    else if (instruction.op === 'jump') open.push(instruction.next)
    else if (instruction.op === 'fork') open.push(instruction.other, instruction.next)
    else if (instruction.op === 'assert') open.push(place + 1)
  }
  return ones
}

/** A set of places in the program, between two characters. */
interface State {
  readonly places: readonly number[]
  readonly followsWord: boolean
  /** By the next ASCII character, and `END`; filled in when first needed. */
  readonly steps: (Step | undefined)[]
}

interface Step {
  /** Whether a match ends before this character. */
  readonly isMatch: boolean
  /** Null: no match can go on. */
  readonly next: State | null
}

const END = 128

/** A walk through a text from a place. */
interface Walk {
  text: string
  isWhole: boolean
  lengthMax: number
  from: number
  /** How far it came, and in which state. */
  to: number
  state: State | null
  /** Where its longest match ends; -1: none. */
  lastMatch: number
}

/** Characters of a walk that are remembered, less one: a power of two above the longest match. */
const RING = 4_095

/** Remembered states; beyond them the memory is started afresh. One takes about 1 KiB. */
const STATES_MAX = 500

class Automaton {
  readonly #program: readonly Instruction[]
  readonly #known = new Map<string, State>()
  /** The states at the beginning of a match: behind no word, and behind one. */
  readonly #starts: [State?, State?] = []
  /** The state of the last walk before each of its characters, and which character that was. */
  readonly #states: State[] = []
  readonly #visited = new Float64Array(RING + 1).fill(-1)
  readonly #last: Walk = { text: '', isWhole: true, lengthMax: 0, from: 0, to: -1, state: null, lastMatch: -1 }

  constructor(program: readonly Instruction[]) {
    this.#program = program
  }

  forget(): void {
    this.#last.text = ''
    this.#last.to = -1
  }

  matchesEmpty(): boolean {
    return [true, false].some((followsWord) =>
      [null, 0x61, 0x20].some((after) => this.#step(this.#start(followsWord), after).isMatch),
    )
  }

  /**
   * Walks from one place until no match can go on, the bound is reached or the text ends. Walks from neighbouring places soon meet in one
   * state and go on alike: from there on, what the walk before has found is taken over, so that a text costs a few steps a character.
   */
  longest(text: string, at: number, isWhole: boolean, lengthMax: number): number {
    const before = this.#last
    const canJoin = before.text === text && before.isWhole === isWhole && before.lengthMax === lengthMax
    let state: State | null = this.#start(at > 0 && isWord(text.charCodeAt(at - 1)))
    let lastMatch = -1
    let index = at
    let joins = canJoin && at >= before.from
    for (;;) {
      if (state === null) {
        // Nothing was looked at here; what stands here is of another walk.
        this.#visited[index & RING] = -1
        break
      }
      if (
        joins &&
        index <= before.to &&
        this.#visited[index & RING] === index &&
        this.#states[index & RING] === state
      ) {
        if (before.lastMatch >= index) lastMatch = before.lastMatch
        state = before.state
        index = before.to
        joins = false
        continue
      }
      const isEnd = index >= text.length
      const after = isEnd ? null : (text.codePointAt(index) as number)
      // Half of a pair at the end of what has arrived tells nothing yet.
      const isCut = isEnd || (after !== null && after >= 0xd800 && after < 0xdc00 && index + 1 === text.length)
      if (isCut && !isWhole) return -1
      this.#visited[index & RING] = index
      this.#states[index & RING] = state
      const step: Step = this.#step(state, after)
      if (step.isMatch) lastMatch = index
      if (isEnd) {
        state = null
        break
      }
      const next: number = index + (after !== null && after > 0xffff ? 2 : 1)
      if (next - at > lengthMax) break
      index = next
      state = step.next
    }
    before.text = text
    before.isWhole = isWhole
    before.lengthMax = lengthMax
    before.from = at
    before.to = index
    before.state = state
    before.lastMatch = lastMatch
    return lastMatch === -1 ? 0 : lastMatch - at
  }

  #start(followsWord: boolean): State {
    return (this.#starts[followsWord ? 1 : 0] ??= this.#state([0], followsWord))
  }

  #state(places: readonly number[], followsWord: boolean): State {
    const name = `${followsWord ? 'w' : ''}${places.join(',')}`
    let state = this.#known.get(name)
    if (state !== undefined) return state
    if (this.#known.size >= STATES_MAX) this.#known.clear()
    state = { places, followsWord, steps: [] }
    this.#known.set(name, state)
    return state
  }

  #step(state: State, after: number | null): Step {
    if (after !== null && after >= END) return this.#work(state, after)
    return (state.steps[after ?? END] ??= this.#work(state, after))
  }

  #work({ places, followsWord }: State, after: number | null): Step {
    const entered = new Set<number>()
    const next = new Set<number>()
    const open = [...places].toReversed()
    const before = followsWord ? 0x61 : 0x20
    let isMatch = false
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const instruction = this.#program[place]
      if (entered.has(place) || instruction === undefined) continue
      entered.add(place)
      if (instruction.op === 'match') isMatch = true
      else if (instruction.op === 'one') {
        if (after !== null && instruction.accepts(after)) next.add(place + 1)
      } else if (instruction.op === 'jump') open.push(instruction.next)
      else if (instruction.op === 'fork') open.push(instruction.other, instruction.next)
      else if (instruction.holds(before, after)) open.push(place + 1)
    }
    const sorted = [...next].sort((a, b) => a - b)
    return { isMatch, next: sorted.length === 0 ? null : this.#state(sorted, isWord(after)) }
  }
}
