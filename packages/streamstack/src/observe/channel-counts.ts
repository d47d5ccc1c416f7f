import { errorLabel } from './error-label.ts'
import { SlidingCount, type SlidingWindow } from './sliding-window.ts'

/** More declarations than this are counted together, under one name. */
const CHANNELS_MAX = 200

/** No channel can have this name: names begin with no slash. */
const OTHER_CHANNELS = '/other'

/** What is counted for all channels of one declaration, from the start of the server. */
export interface DeclaredChannelCounts {
  published: number
  /** Messages that were written, once for each reader. */
  chunks: number
  /** Channels that lost their messages for want of room. */
  evicted: number
}

/** What there is of channels now. */
export interface ChannelGauges {
  readonly open: number
  readonly subscribers: number
  readonly members: number
}

/** What a server counts of channels, by the names in their declarations: those of the channels themselves come from callers. */
export class ChannelCounts {
  readonly published: SlidingCount
  readonly refused: SlidingCount
  readonly refusedCodes = new Map<string, number>()
  /** Asked only when a sample is made. */
  gauges: () => ChannelGauges = () => ({ open: 0, subscribers: 0, members: 0 })
  readonly #window: SlidingWindow
  readonly #declared = new Map<string, DeclaredChannelCounts>()

  constructor(window: SlidingWindow) {
    this.#window = window
    this.published = new SlidingCount(window)
    this.refused = new SlidingCount(window)
  }

  /** A message is there for readers. `nowMs`: monotonic. */
  messagePublished(declared: string, nowMs: number): void {
    this.#window.turn(nowMs)
    this.published.add(1)
    this.of(declared).published++
  }

  /** A message was refused, with the code of its error. */
  messageRefused(code: string, nowMs: number): void {
    this.#window.turn(nowMs)
    this.refused.add(1)
    const label = errorLabel(code)
    this.refusedCodes.set(label, (this.refusedCodes.get(label) ?? 0) + 1)
  }

  /** The counts of a declaration, by the name that stands there. */
  of(declared: string): DeclaredChannelCounts {
    return this.#declared.get(declared) ?? this.#open(declared)
  }

  /** What is counted for each declaration that was used. */
  get declared(): ReadonlyMap<string, DeclaredChannelCounts> {
    return this.#declared
  }

  #open(declared: string): DeclaredChannelCounts {
    const name = this.#declared.size < CHANNELS_MAX ? declared : OTHER_CHANNELS
    const counts = this.#declared.get(name) ?? { published: 0, chunks: 0, evicted: 0 }
    this.#declared.set(name, counts)
    return counts
  }
}
