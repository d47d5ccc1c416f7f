/** A fenced block of a Markdown page. */
export interface DocBlock {
  /** What stands behind the fence: `sh`, `yaml`, `text` … */
  readonly language: string
  readonly text: string
  /** From its first line `# endpoints/hello.yaml`, `// server.js` or `<!-- page.html -->`: the file that the reader is told to write. */
  readonly file: string | null
  /** Of its fence, from 1. */
  readonly line: number
}

/** The fenced blocks of a page, in order. Fences inside lists are indented; their blocks are too. */
export function docBlocks(markdown: string): DocBlock[] {
  const blocks: DocBlock[] = []
  for (const { groups = {}, index } of markdown.matchAll(
    /^(?<indent> *)```(?<language>[\w-]+)[^\n]*\n(?<body>[^]*?)^\k<indent>```$/gm,
  )) {
    const indent = groups['indent'] ?? ''
    const text = (groups['body'] ?? '').replaceAll(new RegExp(`^${indent}`, 'gm'), '')
    blocks.push({
      language: groups['language'] ?? '',
      text,
      file:
        /^(?:#|\/\/|<!--) ([\w./-]+\.(?:yaml|json|ts|mjs|csv|py|html)|[\w./-]*\.env)(?: -->)?\n/.exec(text)?.[1] ??
        null,
      line: markdown.slice(0, index).split('\n').length,
    })
  }
  return blocks
}

/**
 * Makes printed text comparable: what differs from run to run (ids, times, ports, durations, tokens, white space at line ends) stands as a
 * word.
 */
export function comparable(text: string): string {
  return text
    .replaceAll(/[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}/g, '<id>')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT/g, '<date>')
    .replaceAll(/\b[\d,.]+ (?:rows|records)\/s\b/g, '<rate>')
    .replaceAll(/\b[\d.]+ m?s\b/g, '<duration>')
    .replaceAll(/[ \t]+$/gm, '')
    .replaceAll('\r', '')
    .trim()
}

/** Whether a documented text stands for what was printed. `…` alone on a line stands for any lines, inside a line for any rest of it. */
export function matchesDocumented(printed: string, documented: string): boolean {
  const pattern = comparable(documented)
    .replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/^…$\n?/gm, '[^]*')
    .replaceAll('…', '[^\\n]*')
  return new RegExp(`^${pattern}$`).test(comparable(printed))
}
