import type { Value } from '@streamstack/protocol'
import type { StepNode } from '../../definition/types.ts'
import type { ItemSource } from '../../outbound/index.ts'
import { type Frame, type Strand, complete } from '../../run/index.ts'
import type { Compiler } from './compiler.ts'
import { flushPending } from './send.ts'
import { argumentFault } from './arguments.ts'
import { stepError } from './step-error.ts'

/** How a frame holds a streamed answer: a number under which the run keeps the connection. */
export interface SourceHandle {
  readonly [key: string]: Value
  readonly $source: number
}

export function isSourceHandle(value: Value): value is SourceHandle {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, '$source')
}

interface ItemsLoop {
  /** Asked once, when the loop is entered. */
  readonly itemsOf: (frame: Frame, strand: Strand) => Value | Promise<Value>
  /** The slot of a variable that also takes each item, or -1. */
  readonly named: number
  /** Whether it may go through a streamed answer, whose connection must close however the loop is left. */
  readonly mayBeSource: boolean
  /** Compiles what is done with each item; default: the steps of the stack. */
  readonly inner?: (slots: { readonly items: number; readonly item: number }) => void
}

/** Compiles a loop over a list or a streamed answer. */
export function compileItems(step: StepNode, compiler: Compiler, loop: ItemsLoop): void {
  const items = compiler.slot()
  if (!loop.mayBeSource) return compileLoop(step, compiler, loop, items)
  const at = compiler.label()
  const completionSlot = compiler.slot()
  compiler.guarded({ kind: 'finally', at, completionSlot }, () => compileLoop(step, compiler, loop, items))
  compiler.emit((frame) => {
    frame.slots[completionSlot] = { kind: 'next' }
  })
  compiler.place(at)
  compiler.finallyBlock(completionSlot, () => compiler.emit((frame, strand) => leave(frame, strand, items)))
  compiler.emit((frame) => complete(frame, completionSlot))
}

/** Lets go of the list, and of the connection. */
function leave(frame: Frame, strand: Strand, items: number): void | Promise<void> {
  const value = frame.slots[items] ?? null
  frame.slots[items] = null
  if (Array.isArray(value) || !isSourceHandle(value)) return undefined
  strand.run.closeSource(value.$source)
  // Nothing more joins what is left of its text.
  return flushPending(strand)
}

function compileLoop(step: StepNode, compiler: Compiler, loop: ItemsLoop, items: number): void {
  const { itemsOf, named, inner = () => compiler.steps(step.stacks['inner']) } = loop
  const slots = { index: compiler.slot(), item: compiler.slot(), length: compiler.slot() }
  const body = compiler.label()
  const next = compiler.label()
  const done = compiler.label()

  compiler.emit((frame, strand) => {
    const start = (value: Value): void => {
      frame.slots[items] = value
      frame.slots[slots.index] = -1
      if (Array.isArray(value)) frame.slots[slots.length] = value.length
      else if (isSourceHandle(value)) frame.slots[slots.length] = null
      else {
        throw argumentFault(
          step,
          'input',
          'must be a list; it is an object. To go through its entries, use {{Object.entries(…)}}',
        )
      }
      frame.pc = next.pc
    }
    const value = itemsOf(frame, strand)
    return value instanceof Promise ? value.then(start) : start(value)
  })

  compiler.place(body)
  compiler.loop(step, slots, { onBreak: done, onContinue: next }, () => inner({ items, item: slots.item }))

  compiler.place(next)
  compiler.emit((frame, strand) => {
    const value = frame.slots[items] as readonly Value[] | SourceHandle
    const index = (frame.slots[slots.index] as number) + 1
    const give = (item: Value): void => {
      strand.run.countIteration()
      frame.slots[slots.index] = index
      frame.slots[slots.item] = item
      if (named !== -1) frame.slots[named] = item
      frame.pc = body.pc
    }
    if (Array.isArray(value)) {
      if (index < value.length) give(value[index] as Value)
      return undefined
    }
    const item = openSource(strand, step, value as SourceHandle).next()
    const take = (arrived: Value | undefined): void => {
      if (arrived !== undefined) give(arrived)
    }
    // The jump target must be set before the frame goes on, hence inside the promise that it waits for.
    return item instanceof Promise ? strand.untilEnded(item).then(take) : take(item)
  })

  compiler.place(done)
  compiler.emit((frame, strand) => leave(frame, strand, items))
}

function openSource(strand: Strand, step: StepNode, handle: SourceHandle): ItemSource {
  const source = strand.run.source(handle.$source)
  if (source !== undefined) return source
  throw stepError(
    step,
    'this streamed answer was read already. It can be gone through once; keep what you need in a variable.',
  )
}
