import { StreamstackError } from '@streamstack/protocol'

/** One thing that does not fit: `{ path: 'options.chunk_size', message: 'must be a whole number of at least 1; got "many"' }`. */
export interface InputFault {
  path: string
  message: string
}

const LISTED_MAX = 100
const SUMMARISED_MAX = 5

/** Gathers every fault of a call. Beyond a hundred they are only counted, so that an answer stays small. */
export class InputFaults {
  readonly #listed: InputFault[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  add(path: string, message: string): void {
    this.#count += 1
    if (this.#listed.length < LISTED_MAX) this.#listed.push({ path, message })
  }

  /** @throws StreamstackError `input_invalid` with all of them in `errors`, when there are any. */
  throwIfAny(): void {
    const [first] = this.#listed
    if (first === undefined) return
    const errors = [...this.#listed]
    const unlisted = this.#count - errors.length
    if (unlisted > 0) errors.push({ path: '', message: `and ${unlisted} more faults like these` })
    const summary = this.#count === 1 ? `Input ${first.path} ${first.message}.` : this.#summary()
    throw new StreamstackError('input_invalid', summary, { details: { errors } })
  }

  #summary(): string {
    const paths = [...new Set(this.#listed.map(({ path }) => path))]
    const more = paths.length > SUMMARISED_MAX ? ', …' : ''
    return `${this.#count} inputs do not fit: ${paths.slice(0, SUMMARISED_MAX).join(', ')}${more}.`
  }
}
