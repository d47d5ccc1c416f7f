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

/** The same in two levels: groups take turns, and so do the callers within each. */
export class CallerQueue<Group, Waiting> {
  readonly #groups = new Map<Group, FairQueue<string, Waiting>>()

  get isEmpty(): boolean {
    return this.#groups.size === 0
  }

  push(group: Group, caller: string, waiting: Waiting): void {
    let callers = this.#groups.get(group)
    if (callers === undefined) {
      callers = new FairQueue()
      this.#groups.set(group, callers)
    }
    callers.push(caller, waiting)
  }

  shift(): Waiting | undefined {
    for (const [group, callers] of this.#groups) {
      const next = callers.shift()
      this.#groups.delete(group)
      if (!callers.isEmpty) this.#groups.set(group, callers)
      return next
    }
    return undefined
  }
}
