import type { Chunk, ChunkKind } from '@streamstack/protocol'
import { type TextUnit, takePieces } from '../text/split-text.ts'

/** A text is out at the latest so long after it came, whatever its length: the pace follows what waits. */
const BEHIND_MS = 600

/** How often pieces leave: some 30 times a second reads as continuous. */
const TICK_MS = 33

/** The end of a text may be half a character or word; it is held back so long for the rest of it. */
const HOLD_CHARACTERS_MS = 50
const HOLD_WORDS_MS = 300
/** A piece of a given size waits longer for the rest of it. */
const HOLD_PIECE_MS = 900

/** So much of a long text is cut at a time, beside what is due. */
const FRONT_CHARACTERS = 4_096

/** Maximum text that waits; text beyond it is sent at once. */
const WAITING_CHARACTERS_MAX = 65_536

/** How smoothed text is cut. */
export interface SmoothCut {
  readonly unit: TextUnit
  /** Units per piece; null: as many as are due. */
  readonly size: number | null
}

/** Text that waits for its turn, as plain data. */
export interface SmoothText {
  readonly kind: ChunkKind
  readonly cut: SmoothCut
  text: string
  /** That of the newest text. */
  metadata: string | null
  /** Characters a second. */
  perSecond: number
  /** Characters that could have left by now and have not, because they are no whole unit. */
  due: number
  /** When the newest text came and when pieces were last looked for, milliseconds since the run began. */
  cameAtMs: number
  lookedAtMs: number
}

interface SmootherOptions {
  /** Where the text stands between turns: a part of the run's state. */
  readonly state: { smooth: SmoothText | null }
  append(chunk: Chunk): void | Promise<void>
  /** An error inside a timer, which no step can catch. */
  failed(thrown: unknown): void
  /** Milliseconds since the run began. */
  nowMs(): number
}

/**
 * Evens out text that arrives in bursts, as a jitter buffer does: pieces leave at a pace by which everything is out after `BEHIND_MS`, so
 * that a fast model is not slowed down and a slow one does not stutter. A piece ends between characters as readers see them.
 */
export class Smoother {
  readonly #options: SmootherOptions
  #timer: NodeJS.Timeout | undefined
  /** Readers are behind: nothing is sent until they have room. */
  #isWaiting = false

  constructor(options: SmootherOptions) {
    this.#options = options
  }

  /** Takes text; the first of a stream leaves at once. A promise means that readers are behind. */
  push({ kind, data, metadata }: Chunk, cut: SmoothCut): void | Promise<void> {
    const { state } = this.#options
    const nowMs = this.#options.nowMs()
    let room: void | Promise<void> = undefined
    if (state.smooth !== null && (state.smooth.kind !== kind || !isSameCut(state.smooth.cut, cut))) room = this.flush()
    const isFirst = state.smooth === null || state.smooth.text === ''
    const smooth = (state.smooth ??= {
      kind,
      cut,
      text: '',
      metadata,
      perSecond: 0,
      due: 0,
      cameAtMs: nowMs,
      lookedAtMs: nowMs,
    })
    smooth.text += data
    smooth.metadata = metadata
    smooth.cameAtMs = nowMs
    if (isFirst) {
      smooth.perSecond = 0
      // The first text is sent without delay.
      smooth.due = 1
      smooth.lookedAtMs = nowMs
    }
    // Never slower than what waits already was promised.
    smooth.perSecond = Math.max(smooth.perSecond, (smooth.text.length / BEHIND_MS) * 1_000)
    if (smooth.text.length > WAITING_CHARACTERS_MAX) return this.flush()
    if (isFirst && !this.#isWaiting) room = this.#look() ?? room
    this.#schedule()
    return room
  }

  /** Lets everything go that waits. */
  flush(): void | Promise<void> {
    const { state } = this.#options
    const { smooth } = state
    state.smooth = null
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (smooth === null || smooth.text === '') return undefined
    const { pieces, rest } = takeAll(smooth)
    return this.#append(smooth, rest === '' ? pieces : [...pieces, rest])
  }

  /** Goes on with a state that another process left. */
  resume(): void {
    this.#schedule()
  }

  #schedule(): void {
    const { smooth } = this.#options.state
    if (smooth === null || smooth.text === '' || this.#timer !== undefined || this.#isWaiting) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      try {
        void this.#look()
        this.#schedule()
      } catch (thrown) {
        this.#options.failed(thrown)
      }
    }, TICK_MS)
  }

  /** Lets go what is due. */
  #look(): void | Promise<void> {
    const { smooth } = this.#options.state
    if (smooth === null) return undefined
    const nowMs = this.#options.nowMs()
    smooth.due = Math.min(smooth.text.length, smooth.due + ((nowMs - smooth.lookedAtMs) / 1_000) * smooth.perSecond)
    smooth.lookedAtMs = nowMs
    const { pieces, rest } = takeDue(smooth, nowMs)
    if (pieces.length === 0) return undefined
    smooth.text = rest
    smooth.due = Math.max(0, smooth.due - pieces.join('').length)
    return this.#append(smooth, pieces)
  }

  #append({ kind, metadata }: SmoothText, pieces: readonly string[]): void | Promise<void> {
    let room: void | Promise<void> = undefined
    for (const data of pieces) room = this.#options.append({ kind, data, metadata }) ?? room
    if (room === undefined) return undefined
    this.#isWaiting = true
    const goOn = (): void => {
      this.#isWaiting = false
      this.#schedule()
    }
    room.then(goOn, (thrown: unknown) => this.#options.failed(thrown))
    return room
  }
}

function isSameCut(one: SmoothCut, other: SmoothCut): boolean {
  return one.unit === other.unit && one.size === other.size
}

/** The pieces that are due, and the text behind them. */
function takeDue(smooth: SmoothText, nowMs: number): { pieces: string[]; rest: string } {
  const { text, cut, due } = smooth
  const front = text.slice(0, due + FRONT_CHARACTERS)
  const { pieces, rest } = takePieces(front, cut.unit, cut.size ?? 1)
  // Nothing has come for so long that the end of the text is no half of anything.
  if (rest !== '' && front.length === text.length && nowMs - smooth.cameAtMs >= holdMs(cut)) pieces.push(rest)
  const taken: string[] = []
  let characters = 0
  for (const piece of pieces) {
    if (characters >= due) break
    taken.push(piece)
    characters += piece.length
  }
  return { pieces: cut.size === null && taken.length > 1 ? [taken.join('')] : taken, rest: text.slice(characters) }
}

function holdMs({ unit, size }: SmoothCut): number {
  if (size !== null) return HOLD_PIECE_MS
  return unit === 'characters' ? HOLD_CHARACTERS_MS : HOLD_WORDS_MS
}

function takeAll({ text, cut }: SmoothText): { pieces: string[]; rest: string } {
  return cut.size === null ? { pieces: [text], rest: '' } : takePieces(text, cut.unit, cut.size)
}
