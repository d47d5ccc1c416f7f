import type { Report, Table } from './scenario.ts'

/** A report as Markdown. */
export function reportMarkdown({ title, method, tables, goals }: Report): string {
  const parts = [`## ${title}`, method]
  for (const table of tables) parts.push(tableMarkdown(table))
  if (goals.length > 0) {
    parts.push(
      tableMarkdown({
        caption: 'Goals',
        columns: ['', 'goal', 'measured', ''],
        rows: goals.map(({ what, goal, measured, met, isAim }) => [
          what,
          isAim === true ? `${goal} (aim)` : goal,
          measured,
          met ? 'met' : isAim === true ? 'not yet' : '**not met**',
        ]),
      }),
    )
  }
  return parts.join('\n\n') + '\n'
}

export function printReport(report: Report): void {
  console.log(reportMarkdown(report))
}

/** A Markdown table whose columns also line up in a terminal. */
export function tableMarkdown({ caption, columns, rows }: Table): string {
  const widths = columns.map((column, index) =>
    Math.max(3, column.length, ...rows.map((row) => (row[index] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join(' | ')} |`
  const rule = `| ${widths.map((width, index) => (index === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [`**${caption}**`, '', line(columns), rule, ...rows.map(line)].join('\n')
}
