import { isWorkDue, takeWork } from '../expression/index.ts'
import { CallerQueue } from './fair-queue.ts'
import type { Frame } from './frame.ts'
import type { Program, RunningRun, Strand } from './program.ts'

/** How long runs that never wait may keep the process in one turn of the event loop, all together. */
const TURN_MS = 5

/** The same as work that is counted, in steps of about 25 ns: what takes longer than a turn must not come twice in one. */
const TURN_STEPS = 200_000

/** What counts as one of the ops that `burn` names, in steps. */
const STEPS_PER_OP = 20

/** A program that does so much at once is a heavy one, for a while. */
const HEAVY_STEPS = 40_000
const HEAVY_MS = 1_000

interface Waiting {
  /** Null: no run. */
  readonly program: Program | null
  readonly run: RunningRun | null
  readonly act: () => void
}

let turnEndsAtMs = 0
let turnOpen = false
let turnSteps = 0
/** Whether a run has to ask before it goes on: this turn is used up by work, or heavy runs wait. */
let isPressed = false
/** Whether the run that goes on now was let go on by its queue. */
let isAdmitted = false
const waiting: Waiting[] = []
/** The group of heavy work that belongs to no program and no rule. */
const OUTSIDE = {}
/** Of heavy programs, which take turns with each other, as do the callers of each: one a turn goes on, after all others. */
const waitingHeavy = new CallerQueue<object, () => void>()
/** Until when a program or a rule counts as heavy, on the monotonic clock. */
const heavyUntilMs = new WeakMap<object, number>()

/**
 * Called now and then by busy runs. Undefined: go on. A promise: the time of this turn is used up, others come first (sockets, timers, then
 * the busy runs that waited longer, then those that do heavy work). `burnt`: what its ops have cost beyond plain ones.
 */
export function yieldTurn(program: Program, run: RunningRun, burnt = 0): Promise<void> | undefined {
  const nowMs = performance.now()
  if (burnt > 0) count(program, burnt * STEPS_PER_OP, nowMs)
  if (!turnOpen) openTurn(nowMs)
  const isFree = nowMs < turnEndsAtMs && turnSteps < TURN_STEPS
  const isHeavy = isPressed && isHeavyAt(program, nowMs)
  if (isFree && (!isHeavy || waitingHeavy.isEmpty)) return undefined
  return new Promise((resolve) => {
    if (isHeavy) waitingHeavy.push(program, run.caller, resolve)
    else waiting.push({ program, run, act: resolve })
    isPressed ||= isHeavy
  })
}

/**
 * Called when a run begins or goes on after a wait. Undefined: go on. A promise: heavy work has used this turn up, or waits for its own.
 * Many runs that begin in one turn would otherwise each do as much as one run may.
 */
function enterTurn(strand: Strand, program: Program): Promise<void> | undefined {
  // Of rules and other expressions outside of runs.
  if (isWorkDue()) count(null, takeWork(), performance.now())
  if (!isPressed) return undefined
  if (isAdmitted) {
    isAdmitted = false
    return undefined
  }
  return strand.refuel(program)
}

/** Waits for a turn of the event loop if this one is used up: where a frame begins, goes on after a wait, or has caught an error. */
export function takeTurn(strand: Strand, program: Program, frame: Frame): Promise<void> | undefined {
  const pause = strand.fuel <= 0 ? strand.refuel(program) : enterTurn(strand, program)
  // A frame that is taken up meanwhile begins with the op that it is at.
  if (pause !== undefined) frame.waitingAt = frame.pc
  return pause
}

/** Counts the work that expressions of an op have done; the strand asks for its turn before the next one. */
export function spend(strand: Strand, program: Program): void {
  count(program, takeWork(), performance.now())
  strand.fuel = Math.min(strand.fuel, 0)
  strand.run.noteGrowth()
}

function isHeavyAt(work: object, nowMs: number): boolean {
  return (heavyUntilMs.get(work) ?? 0) > nowMs
}

/** The one that waited longest, unless its program turned out to be heavy meanwhile. */
function nextLight(): (() => void) | undefined {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { program, run, act } = next
    if (program === null || !isHeavyAt(program, turnEndsAtMs)) return act
    waitingHeavy.push(program, run?.caller ?? '', act)
  }
  return undefined
}

function count(work: object | null, steps: number, nowMs: number): void {
  if (!turnOpen) openTurn(nowMs)
  turnSteps += steps
  if (work !== null && steps >= HEAVY_STEPS) heavyUntilMs.set(work, nowMs + HEAVY_MS)
  isPressed ||= turnSteps >= TURN_STEPS
}

/**
 * Calls `act` in this turn while there is time, else in a later one. For work that sockets ask for: a thousand readers
 * that become writable at once would otherwise hold the process up until each has what it takes.
 */
export function inTurn(act: () => void): void {
  const nowMs = performance.now()
  if (!turnOpen) openTurn(nowMs)
  else if (nowMs >= turnEndsAtMs) {
    waiting.push({ program: null, run: null, act })
    return
  }
  act()
}

/**
 * Evaluates an expression outside of runs, such as the rule of an endpoint, and counts its work: at once, unless heavy work has used this turn
 * up, or waits for its own and `rule` is known to be heavy. `caller` names whose work it is.
 */
export function evaluateInTurn<T>(rule: object, caller: () => string, evaluate: () => T): T | Promise<T> {
  // A light rule of a server without heavy work costs no look at the clock.
  if (!isPressed && !isWorkDue()) return counted(rule, evaluate)
  const nowMs = performance.now()
  if (isWorkDue()) count(null, takeWork(), nowMs)
  const isHeavy = isHeavyAt(rule, nowMs)
  if (turnSteps < TURN_STEPS && (!isHeavy || waitingHeavy.isEmpty)) return counted(rule, evaluate)
  const turn = new Promise<void>((resolve) => {
    if (isHeavy) waitingHeavy.push(rule, caller(), resolve)
    else waiting.push({ program: null, run: null, act: resolve })
  })
  return turn.then(() => counted(rule, evaluate))
}

function counted<T>(rule: object, evaluate: () => T): T {
  try {
    return evaluate()
  } finally {
    if (isWorkDue()) {
      count(rule, takeWork(), performance.now())
      // The run that begins now asks for a turn of its own.
      isAdmitted = false
    }
  }
}

/**
 * Waits for a turn of the event loop that has room for heavy work outside of runs, behind all light runs, and counts that work, in steps of
 * about 25 ns, against it. Callers take turns.
 */
export function spendTurn(steps: number, caller: string): Promise<void> {
  const nowMs = performance.now()
  if (!turnOpen) openTurn(nowMs)
  return new Promise((resolve) => {
    const go = (): void => {
      count(null, steps, performance.now())
      resolve()
    }
    if (waitingHeavy.isEmpty && nowMs < turnEndsAtMs && turnSteps < TURN_STEPS) return go()
    waitingHeavy.push(OUTSIDE, caller, go)
    isPressed = true
  })
}

function openTurn(nowMs: number): void {
  turnOpen = true
  turnEndsAtMs = nowMs + TURN_MS
  turnSteps = 0
  isPressed = !waitingHeavy.isEmpty
  setImmediate(closeTurn)
}

function closeTurn(): void {
  // Sockets come between two heavy runs.
  const heavyMayGo = turnSteps < TURN_STEPS
  turnOpen = false
  turnSteps = 0
  isPressed = false
  if (waiting.length === 0 && waitingHeavy.isEmpty) return
  openTurn(performance.now())
  goOn(heavyMayGo, heavyMayGo)
}

/** Lets the one that waited longest go on, and further ones while there is time. `isHeavyDue`: one heavy run goes on even without. */
function goOn(heavyMayGo: boolean, isHeavyDue: boolean): void {
  isAdmitted = false
  const isFree = turnSteps < TURN_STEPS && performance.now() < turnEndsAtMs
  const next = isFree ? nextLight() : undefined
  const heavy = next === undefined && (isFree ? heavyMayGo : isHeavyDue) ? waitingHeavy.shift() : undefined
  const act = next ?? heavy
  if (act === undefined) return
  isAdmitted = true
  act()
  // A run goes on in microtasks; this comes after them.
  const isStillDue = isHeavyDue && heavy === undefined
  queueMicrotask(() => process.nextTick(() => goOn(heavyMayGo, isStillDue)))
}
