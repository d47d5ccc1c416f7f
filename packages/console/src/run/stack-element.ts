import { LitElement, type PropertyDeclarations } from 'lit'
import type { Step } from '../api.ts'
import type { RunModel } from './run-model.ts'

/** Shows the function stack of a run, or a part of it. */
export class StackElement extends LitElement {
  static override properties: PropertyDeclarations = {
    stack: { attribute: false },
    file: { attribute: false },
    mode: { attribute: false },
    model: { attribute: false },
    tick: { attribute: false },
  }
  declare stack: readonly Step[]
  /** File of the stack; null: it has none here. */
  declare file: string | null
  declare mode: 'dev' | 'serve'
  declare model: RunModel | null
  /** Changes when the model has. */
  declare tick: number

  constructor() {
    super()
    this.stack = []
    this.file = null
    this.mode = 'serve'
    this.model = null
    this.tick = 0
  }
}
