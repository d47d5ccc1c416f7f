/** Makes what the parser reads; elements nest, and `close` and `unwrap` are of the innermost. */
export interface MarkdownSink {
  /** `detail`: the language of a code block, the first number of a list, or whether a box is checked. */
  open(tag: string, detail?: string): void
  close(): void
  text(text: string): void
  /** The innermost element is a link to this address. */
  link(address: string): void
  /** The innermost element is none: its mark was text, and its content stays. */
  unwrap(mark: string): void
}
