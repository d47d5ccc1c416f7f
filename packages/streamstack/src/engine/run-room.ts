import { getHeapStatistics } from 'node:v8'
import { StreamstackError } from '@streamstack/protocol'
import { addressKey } from '../limit/index.ts'
import type { Plan } from '../plan/index.ts'
import { BudgetPart, OpenList, activeMemory } from '../stream/index.ts'
import type { LiveRun } from './live-run.ts'
import type { RunOwner } from './idempotency.ts'

/** A run whose readers have taken nothing for so long can be ended when there is no room for a new one. */
const STALLED_MS = 500

/** How often runs that are stalled, and what each caller holds, are looked for at most. */
const LOOK_MS = 100
const LOOKED_AT_ONCE = 1_000

/** Minimum memory of a run, and the number of runs that fit into a tenth of the heap. */
const RUN_BYTES = 32 * 1024
const ACTIVE_RUNS_MAX = Math.max(100, Math.floor(getHeapStatistics().heap_size_limit / 10 / RUN_BYTES))

/** A run whose variables hold less is not ended for want of memory. */
const GROWN_BYTES_MIN = 1_048_576

const GIVEN_UP = 'No reader was taking chunks of the run, and the server needed its memory.'

/** Whose run it is: the subject of its token, else the address. */
export interface RunCaller {
  readonly owner: RunOwner
  readonly address: string | null
}

/** Decides which runs there is room for, in number and in memory, and ends those that are not read when there is too little. */
export class RunRoom {
  /** Those that go on. */
  readonly #active = new OpenList<LiveRun>()
  /** Those that go on only for their `disconnect_grace`, the longest unread first. */
  readonly #unread = new OpenList<LiveRun>()
  readonly #memory = new WeakMap<Plan, BudgetPart>()
  #lookedMs = -Infinity
  /** Those whose readers took nothing when it was last looked. The last one is the first to go. */
  #stalled: LiveRun[] = []
  /** Bytes that the runs of each caller held when it was last looked. */
  #heldBy: ReadonlyMap<string, number> = new Map()

  get activeCount(): number {
    return this.#active.size
  }

  active(): LiveRun[] {
    return this.#active.members()
  }

  began(live: LiveRun): void {
    live.places.active = this.#active.add(live)
  }

  ended({ places }: LiveRun): void {
    places.active?.remove()
    places.unread?.remove()
  }

  noteUnread(live: LiveRun, isUnread: boolean): void {
    live.places.unread?.remove()
    live.places.unread = isUnread ? this.#unread.add(live) : null
  }

  /** What the runs of an endpoint hold. */
  memoryOf(plan: Plan): BudgetPart {
    let memory = this.#memory.get(plan)
    if (memory === undefined) {
      memory = new BudgetPart(activeMemory)
      this.#memory.set(plan, memory)
    }
    return memory
  }

  /**
   * Makes room for a new run: at the bounds of runs and of memory, cancels those that are unread or stalled. Throws `unavailable` if there
   * is no room.
   */
  demand(caller: RunCaller, memory: BudgetPart, inputBytes: number, activeRunsMax = ACTIVE_RUNS_MAX): void {
    // Of runs that are given up here, a moment later.
    let freedBytes = 0
    // A run that is alone may be as large as its limits allow.
    const isShort = (): boolean =>
      this.activeCount > 0 && memory.isShort(inputBytes - freedBytes, () => this.#heldByCaller(caller) - freedBytes)
    if (this.activeCount < activeRunsMax && !isShort()) return
    for (let given = this.#nextToGive(); given !== undefined; given = this.#nextToGive()) {
      freedBytes += given.bytesHeld
      given.giveUp(GIVEN_UP)
      // Finally blocks may still run for a while: of such runs there are some more at most.
      if (this.activeCount < activeRunsMax + Math.ceil(activeRunsMax / 4) && !isShort()) return
    }
    throw new StreamstackError('unavailable', 'The server has as many runs as it can. Call again in a moment.', {
      retryAfterMs: 1_000,
    })
  }

  /** Whether a run whose variables hold so much may go on; gives one up that is not read, if that is needed. */
  holds(caller: RunCaller, memory: BudgetPart, variableBytes: number): boolean {
    if (variableBytes < GROWN_BYTES_MIN || this.activeCount < 2) return true
    // Ops after which this is asked take longer than a look at some runs.
    if (this.activeCount <= LOOKED_AT_ONCE) this.#lookedMs = -Infinity
    if (!memory.isShort(0, () => Math.max(variableBytes, this.#heldByCaller(caller)))) return true
    const given = this.#nextToGive()
    given?.giveUp(GIVEN_UP)
    return given !== undefined
  }

  #heldByCaller(caller: RunCaller): number {
    this.#look()
    return this.#heldBy.get(keyOf(caller)) ?? 0
  }

  /** The run that is to end next when there is no room: the one that is unread for longest, then one that is stalled. */
  #nextToGive(): LiveRun | undefined {
    const { first } = this.#unread
    if (first !== null) {
      first.remove()
      return first.member
    }
    if (this.#stalled.length === 0) this.#look()
    const nowMs = performance.now()
    for (let stalled = this.#stalled.pop(); stalled !== undefined; stalled = this.#stalled.pop())
      if (isStalled(stalled, nowMs)) return stalled
    return undefined
  }

  /** Of stalled runs those of the caller go first that holds the most, and of these the one that is stalled for longest. */
  #look(): void {
    const nowMs = performance.now()
    if (nowMs - this.#lookedMs < LOOK_MS) return
    this.#lookedMs = nowMs
    const heldBy = new Map<string, number>()
    const stalled: { run: LiveRun; key: string }[] = []
    for (const run of this.active()) {
      const key = keyOf(run)
      heldBy.set(key, (heldBy.get(key) ?? 0) + run.bytesHeld)
      if (isStalled(run, nowMs)) stalled.push({ run, key })
    }
    stalled.sort(
      (a, b) =>
        (heldBy.get(a.key) ?? 0) - (heldBy.get(b.key) ?? 0) ||
        (b.run.stream.congestedSinceMs ?? 0) - (a.run.stream.congestedSinceMs ?? 0),
    )
    this.#heldBy = heldBy
    this.#stalled = stalled.map(({ run }) => run)
  }
}

/** Names a caller among others. */
export function keyOf({ owner, address }: RunCaller): string {
  return owner === null ? addressKey(address) : `subject ${owner.subject}`
}

function isStalled({ stream }: LiveRun, nowMs: number): boolean {
  return !stream.isGivenUp && stream.end === null && nowMs - (stream.congestedSinceMs ?? nowMs) >= STALLED_MS
}
