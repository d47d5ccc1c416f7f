/**
 * Does what concerns one name in the order in which it was asked for: at once when nothing before it is under way, else
 * after that. A failure does not stop what comes after it.
 */
export class InOrder {
  /** The newest act of each name that is under way. */
  readonly #newest = new Map<string, Promise<unknown>>()

  run<T>(name: string, act: () => T | Promise<T>): T | Promise<T> {
    const before = this.#newest.get(name)
    const result =
      before === undefined
        ? act()
        : before.then(
            () => act(),
            () => act(),
          )
    if (!(result instanceof Promise)) return result
    this.#newest.set(name, result)
    const forget = (): void => {
      if (this.#newest.get(name) === result) this.#newest.delete(name)
    }
    result.then(forget, forget)
    return result
  }
}
