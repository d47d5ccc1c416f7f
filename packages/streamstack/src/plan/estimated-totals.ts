import type { StepNode } from '../definition/types.ts'
import { type Compiler, prepareEstimate } from '../functions/index.ts'
import type { NamedLoop } from './stack-names.ts'
import { stepTrees, stepsInside, textsOf } from './steps.ts'
import type { Op } from '../run/index.ts'

/**
 * `estimated_total`: how many rows the query of the enclosing loop matches. Counted once per entry of the loop, before the first step that
 * asks for it.
 */
export class EstimatedTotals {
  readonly #compiler: Compiler
  /** By the id of the loop's step. */
  readonly #slots = new Map<string, number>()
  readonly #counts = new Map<number, Op>()
  #asked: number | undefined

  constructor(compiler: Compiler) {
    this.#compiler = compiler
  }

  /** A loop that is entered anew counts anew. */
  resetBefore(step: StepNode): void {
    const asksForTotal = [...stepsInside(step)].some((inner) =>
      [...stepTrees(inner)].some(({ node }) =>
        [...textsOf(node)].some(({ value }) => value.includes('estimated_total')),
      ),
    )
    if (!asksForTotal) return
    const slot = this.#compiler.slot()
    this.#slots.set(step.id, slot)
    this.#compiler.emit((frame) => {
      frame.slots[slot] = undefined
    })
  }

  /** The slot for the innermost loop that reads records; undefined: there is none. */
  slotIn(loops: readonly NamedLoop[]): number | undefined {
    for (const { step } of loops.toReversed()) {
      const query = [...stepsInside(step)].find((inner) => inner.function === 'Get Records')
      const slot = query === undefined ? undefined : this.#slots.get(step.id)
      if (query === undefined || slot === undefined) continue
      this.#asked = slot
      if (!this.#counts.has(slot)) this.#counts.set(slot, this.#countOp(slot, query))
      return slot
    }
    return undefined
  }

  /** Emits the count for the loop that was asked for last; it does nothing where the total is known. */
  emitCount(): void {
    const count = this.#asked === undefined ? undefined : this.#counts.get(this.#asked)
    if (count !== undefined) this.#compiler.emit(count)
  }

  #countOp(slot: number, query: StepNode): Op {
    const count = prepareEstimate(query, this.#compiler)
    return (frame, strand) => {
      if (frame.slots[slot] !== undefined) return undefined
      const total = count(frame, strand)
      if (!(total instanceof Promise)) {
        frame.slots[slot] = total
        return undefined
      }
      return strand.untilEnded(total).then((late) => {
        frame.slots[slot] = late
      })
    }
  }
}
