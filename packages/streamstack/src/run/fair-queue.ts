/** A queue of those that wait in groups: the groups take turns, each in the order in which its members came. */
export class FairQueue<Group, Waiting> {
  /** The group whose turn is next comes first. None is empty. */
  readonly #groups = new Map<Group, Waiting[]>()

  get isEmpty(): boolean {
    return this.#groups.size === 0
  }

  /** How many of a group wait. */
  countOf(group: Group): number {
    return this.#groups.get(group)?.length ?? 0
  }

  push(group: Group, waiting: Waiting): void {
    const others = this.#groups.get(group)
    if (others === undefined) this.#groups.set(group, [waiting])
    else others.push(waiting)
  }

  shift(): Waiting | undefined {
    for (const [group, members] of this.#groups) {
      const next = members.shift()
      this.#groups.delete(group)
      if (members.length > 0) this.#groups.set(group, members)
      return next
    }
    return undefined
  }
}
