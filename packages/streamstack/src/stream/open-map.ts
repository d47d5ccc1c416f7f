/** What is open at a time, by key: a Map that lets go of a value with its key, for the reason that `OpenList` gives. Keys should be small. */
export class OpenMap<K, V> {
  /** Old tables keep these places and find nothing in them. */
  readonly #places = new Map<K, { value: V | null }>()

  get size(): number {
    return this.#places.size
  }

  has(key: K): boolean {
    return this.#places.has(key)
  }

  get(key: K): V | undefined {
    return this.#places.get(key)?.value ?? undefined
  }

  set(key: K, value: V): void {
    const place = this.#places.get(key)
    if (place === undefined) this.#places.set(key, { value })
    else place.value = value
  }

  delete(key: K): void {
    const place = this.#places.get(key)
    if (place === undefined) return
    place.value = null
    this.#places.delete(key)
  }

  clear(): void {
    for (const place of this.#places.values()) place.value = null
    this.#places.clear()
  }

  /** In the order of their keys, each as long as it is there. */
  *values(): Generator<V, void, undefined> {
    for (const { value } of this.#places.values()) if (value !== null) yield value
  }
}
