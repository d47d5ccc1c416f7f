import type { TracePlace } from '../run/index.ts'
import type { ValuePreview } from './value-preview.ts'

/** Variables of one program that are shown. */
const VARIABLES_MAX = 100

/** Characters of all texts of one run; after these no more variables are told. */
const CHARACTERS_MAX = 512 * 1024

/** Time that one run may spend on writing them. */
const SPENT_MS_MAX = 2_000

/** Texts of variables by name, as a step finds or leaves them. */
export type ShownVariables = Readonly<Record<string, string>>

/** Tells which variables of a run have changed since it was last asked, as texts without secrets. */
export class VariableWatch {
  readonly #preview: ValuePreview
  /** What was told last, by program and name. */
  readonly #told = new Map<string, Map<string, string>>()
  #characters = 0
  #spentMs = 0

  constructor(preview: ValuePreview) {
    this.#preview = preview
  }

  /** Whether a bound was reached: nothing more is told. */
  get isSpent(): boolean {
    return this.#characters >= CHARACTERS_MAX || this.#spentMs >= SPENT_MS_MAX
  }

  /** The variables that changed; undefined: none did, or the bound was reached. */
  changed(place: TracePlace): ShownVariables | undefined {
    if (this.isSpent) return undefined
    const startMs = performance.now()
    let told = this.#told.get(place.program.name)
    if (told === undefined) {
      told = new Map()
      this.#told.set(place.program.name, told)
    }
    let changes: Record<string, string> | undefined
    for (const [name, text] of this.#texts(place)) {
      if (told.get(name) === text) continue
      told.set(name, text)
      changes ??= Object.create(null) as Record<string, string>
      changes[name] = text
      this.#characters += name.length + text.length
    }
    this.#spentMs += performance.now() - startMs
    return changes
  }

  *#texts({ program, frame, step }: TracePlace): Generator<[name: string, text: string]> {
    if (step.itemSlot !== null) yield ['item', this.#preview.text('item', frame.slots[step.itemSlot])]
    const index = step.loopSlots.at(-1)
    if (index !== undefined) yield ['loop_index', this.#preview.text('loop_index', frame.slots[index])]
    let count = 0
    for (const [name, slot] of program.variableSlots) {
      const value = frame.slots[slot]
      // A variable that no step has set yet has nothing to show.
      if (value === undefined) continue
      if (count++ === VARIABLES_MAX) return
      yield [name, this.#preview.text(name, value)]
    }
  }
}
