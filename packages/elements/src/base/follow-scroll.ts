/** Nearer to the end than this counts as being there. */
const END_PIXELS = 32

/**
 * Keeps a box scrolled to its end while its reader is there, and leaves it alone when the reader has scrolled away; then it counts the lines that are new below.
 */
export class FollowScroll {
  readonly #box: HTMLElement
  readonly #onChange: (newLines: number) => void
  #isFollowing = true
  #heightSeen = 0
  #newLines = 0
  #topSeen = 0

  constructor(box: HTMLElement, onChange: (newLines: number) => void) {
    this.#box = box
    this.#onChange = onChange
    box.addEventListener('scroll', () => this.#scrolled(), { passive: true })
    // A field below that grows, or a page that is turned, moves the end away.
    new ResizeObserver(() => this.#isFollowing && this.grown()).observe(box)
  }

  /** What is in the box has grown: call it once a frame. */
  grown(): void {
    const { scrollHeight } = this.#box
    if (this.#isFollowing) {
      this.#box.scrollTop = scrollHeight
      this.#heightSeen = scrollHeight
      return
    }
    this.#tell(Math.round((scrollHeight - this.#heightSeen) / this.#lineHeight()))
  }

  /** Goes to the end and follows again. */
  toEnd(): void {
    this.#isFollowing = true
    this.grown()
    this.#tell(0)
  }

  #scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#box
    const isAtEnd = scrollHeight - scrollTop - clientHeight < END_PIXELS
    // Only a reader who scrolls up leaves the end; growth alone does not.
    const isLeaving = scrollTop < this.#topSeen
    this.#topSeen = scrollTop
    if (!isAtEnd && this.#isFollowing && !isLeaving) return
    if (!isAtEnd && this.#isFollowing) this.#heightSeen = scrollHeight
    this.#isFollowing = isAtEnd
    if (isAtEnd) this.#tell(0)
  }

  #tell(newLines: number): void {
    if (newLines === this.#newLines || newLines < 0) return
    this.#newLines = newLines
    this.#onChange(newLines)
  }

  #lineHeight(): number {
    return Number.parseFloat(getComputedStyle(this.#box).lineHeight) || 20
  }
}
