/** Cuts text at LF into whole lines; a line that is not ended yet waits for more. */
export function lineSplitter(): { push(text: string): string[]; rest(): string } {
  // Kept as pieces and joined once per line: appending to one growing string costs O(n²) when a long line trickles in.
  let pieces: string[] = []
  return {
    push(text) {
      const cut = text.indexOf('\n')
      if (cut === -1) {
        if (text !== '') pieces.push(text)
        return []
      }
      const lines = text.split('\n')
      lines[0] = pieces.join('') + lines[0]
      const rest = lines.pop() as string
      pieces = rest === '' ? [] : [rest]
      return lines
    },
    rest() {
      const rest = pieces.join('')
      pieces = []
      return rest
    },
  }
}
