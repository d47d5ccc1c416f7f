import type { ChunkFilter, Op, Region, StepInfo } from '../run/index.ts'
import type { Label } from '../functions/index.ts'

/** The ops of a program while it is compiled, the step that each belongs to, and the regions and filters that they name by number. */
export class ProgramCode {
  readonly ops: Op[] = []
  /** By op: the index of its step; -1: none. */
  readonly stepOf: number[] = []
  readonly steps: StepInfo[] = []
  readonly regions: Region[] = []
  readonly filters: ChunkFilter<unknown>[] = []
  #step = -1

  /** Adds an op. Returns its index. */
  emit(op: Op): number {
    this.stepOf.push(this.#step)
    return this.ops.push(op) - 1
  }

  label(): Label {
    return { pc: -1 }
  }

  place(label: Label): void {
    label.pc = this.ops.length
  }

  jump(label: Label): void {
    this.emit((frame) => {
      frame.pc = label.pc
    })
  }

  /** Emits the ops of a step. `body` emits them; those that it emits for inner steps belong to these. */
  step(info: Omit<StepInfo, 'from' | 'to'>, body: () => void): void {
    const outer = this.#step
    const from = this.ops.length
    const step = { ...info, from, to: from }
    this.#step = this.steps.push(step) - 1
    body()
    step.to = this.ops.length
    this.#step = outer
  }
}
