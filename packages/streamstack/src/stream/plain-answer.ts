/** The plain answer of a run, as plain data. Its content is among the chunks of the run. */
export interface PlainAnswer {
  /** HTTP status, 200 to 599. */
  readonly status: number
  /** Null: that of the content. */
  readonly contentType: string | null
  /** The offset after which the content is. */
  readonly after: number
  /** The offset of its last chunk; null: filters of the run may still hold a part of it, and it goes on to the end. */
  readonly through: number | null
  /** Type of the content; null if there is none. */
  readonly content: 'text' | 'json' | null
}
