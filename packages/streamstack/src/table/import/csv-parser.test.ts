import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CsvParser } from './csv-parser.ts'
import type { CsvRow, CsvSyntax } from './csv-parser.ts'

const plain: CsvSyntax = { delimiter: ',', quote: '"' }

function parse(text: string, syntax: CsvSyntax = plain, cuts: readonly number[] = [text.length + 1]): CsvRow[] {
  const parser = new CsvParser(syntax)
  const rows: CsvRow[] = []
  for (let at = 0, turn = 0; at < text.length; turn += 1) {
    const end = at + (cuts[turn % cuts.length] ?? 1)
    rows.push(...parser.push(text.slice(at, end)))
    at = end
  }
  return [...rows, ...parser.end()]
}

const cellsOf = (text: string, syntax?: CsvSyntax): unknown => parse(text, syntax).map(({ cells }) => cells)

describe('delimited text', () => {
  test.each([
    ['line ends of all kinds in one file', 'a\nb\r\nc\rd', [['a'], ['b'], ['c'], ['d']]],
    [
      'a quoted cell keeps its own',
      '"a\r\nb","c\rd"\r\ne,f',
      [
        ['a\r\nb', 'c\rd'],
        ['e', 'f'],
      ],
    ],
    ['a doubled quote is one', '"a ""b""",""""', [['a "b"', '"']]],
    ['a quote inside of a bare cell is itself', '5" pipe,a"b"c, "d"', [['5" pipe', 'a"b"c', ' "d"']]],
    ['empty cells and empty texts are told apart', ',"",\n', [[null, '', null]]],
    ['blanks belong to the cell', ' a , b ', [[' a ', ' b ']]],
    ['a blank line is one empty cell', 'a\n\nb', [['a'], [null], ['b']]],
    ['the last line may lack its end', '"a"', [['a']]],
    ['delimiters in quotes', '"a,b",c', [['a,b', 'c']]],
    ['zero characters and others out of the way', 'a\0,\uFFFF\u2028', [['a\0', '\uFFFF\u2028']]],
  ])('%s', (_, text, cells) => {
    expect(cellsOf(text)).toEqual(cells)
  })

  test('without quoting, quotes are characters', () => {
    expect(cellsOf('"a\tb"\tc', { delimiter: '\t', quote: null })).toEqual([['"a', 'b"', 'c']])
    expect(cellsOf("'a;''b';c", { delimiter: ';', quote: "'" })).toEqual([["a;'b", 'c']])
  })

  test.each([
    ['a,b\n"x\n\n","open\n\n\nend', 'opens in line 4'],
    ['a\r\n"open', 'opens in line 2'],
    ['a\r"\r\n\n"\r"open', 'opens in line 5'],
    ['a\n"b"c', 'in line 2, text follows the quote'],
    ['"a\nb" ,c', 'in line 2, text follows the quote'],
  ])('%j is refused with the line', (text, message) => {
    for (const cut of [1, 2, 3, 100]) expect(() => parse(text, plain, [cut])).toThrow(message)
  })

  const dialect = fc.record({
    delimiter: fc.constantFrom(',', ';', '\t', '|', ':', '~'),
    quote: fc.constantFrom('"', "'", '`'),
    lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
  })
  const text = fc.string({
    unit: fc.constantFrom('a', 'é', '𝒳', ' ', '"', "'", '`', ',', ';', '\t', '|', '\n', '\r', '\0'),
  })
  const table = fc
    .integer({ min: 1, max: 4 })
    .chain((width) =>
      fc.array(fc.array(fc.option(text), { minLength: width, maxLength: width }), { minLength: 1, maxLength: 6 }),
    )

  test('of every dialect gives back what was written, wherever it is cut, with the line of each row', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(table, dialect, cuts, fc.boolean(), (rows, { delimiter, quote, lineEnd }, sizes, lastEnd) => {
        const mustQuote = (cell: string): boolean =>
          cell === '' || cell.startsWith(quote) || cell.includes(delimiter) || /[\r\n]/.test(cell)
        const written = (cell: string | null): string => {
          if (cell === null) return ''
          return mustQuote(cell) ? quote + cell.replaceAll(quote, quote + quote) + quote : cell
        }
        const lines = rows.map((cells) => cells.map(written).join(delimiter))
        const whole = lines.join(lineEnd) + (lastEnd || lines.at(-1) === '' ? lineEnd : '')
        const found = parse(whole, { delimiter, quote }, sizes)
        expect(found.map(({ cells }) => cells)).toEqual(rows)
        let line = 1
        for (const [at, row] of found.entries()) {
          expect(row.line).toBe(line)
          line += (lines[at] ?? '').split(/\r\n|\r|\n/).length
        }
      }),
      { numRuns: 500 },
    )
  })
})
