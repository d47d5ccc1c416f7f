/** Said at the top of every page that is made from code. */
export const madeFromCode = '<!-- Made from the code by `npm run generate`. Do not edit. -->'

/** A Markdown table. Bars and line ends in cells are escaped, so that any text fits. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(row).join('\n')
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(cell).join(' | ')} |`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')
}

/** Inline code; text that holds backticks gets longer fences, as CommonMark has it. */
export function code(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  const pad = longest > 0 ? ' ' : ''
  return `${fence}${pad}${text}${pad}${fence}`
}

export function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``
}

/** Blocks of a page with one empty line between them. */
export function page(blocks: readonly string[]): string {
  return `${[madeFromCode, ...blocks].join('\n\n')}\n`
}

/** The anchor that Markdown viewers give a heading. */
export function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(/\s/g, '-')
}
