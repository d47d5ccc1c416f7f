/** Nearer to the end than this counts as being there. */
const END_PIXELS = 32

/**
 * Keeps a box scrolled to its end while its reader is there, and leaves it alone when the reader has scrolled away; then it counts the lines that are new below. It
 * looks at sizes only when the browser has laid the page out anyway: asking in between would lay it out twice a frame.
 */
export class FollowScroll {
  readonly #box: HTMLElement
  readonly #onChange: (newLines: number) => void
  #isFollowing = true
  /** Whether the next scroll is our own. */
  #isOwn = false
  #heightSeen = 0
  #newLines = 0
  #topSeen = 0

  /** `content` holds what is in the box, and grows. */
  constructor(box: HTMLElement, content: Element, onChange: (newLines: number) => void) {
    this.#box = box
    this.#onChange = onChange
    box.addEventListener('scroll', () => this.#scrolled(), { passive: true })
    // A field below that grows, or a page that is turned, moves the end away as well.
    const sizes = new ResizeObserver(() => this.#sized())
    sizes.observe(box)
    sizes.observe(content)
  }

  /** Goes to the end and follows again. */
  toEnd(): void {
    this.#isFollowing = true
    this.#sized()
    this.#tell(0)
  }

  #sized(): void {
    const { scrollHeight } = this.#box
    if (!this.#isFollowing) {
      this.#tell(Math.round((scrollHeight - this.#heightSeen) / this.#lineHeight()))
      return
    }
    const end = scrollHeight - this.#box.clientHeight
    if (end - this.#topSeen < 1 && end >= this.#topSeen) return
    this.#isOwn = true
    this.#box.scrollTop = end
    this.#topSeen = end
    this.#heightSeen = scrollHeight
  }

  #scrolled(): void {
    if (this.#isOwn) {
      this.#isOwn = false
      return
    }
    const { scrollHeight, scrollTop, clientHeight } = this.#box
    const isAtEnd = scrollHeight - scrollTop - clientHeight < END_PIXELS
    // Only scrolling up leaves the end; growth alone does not.
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
