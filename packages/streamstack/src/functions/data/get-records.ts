import type { StepNode } from '../../definition/types.ts'
import type { Frame, Strand } from '../../run/index.ts'
import {
  type Page,
  type PageMemo,
  type Query,
  type RecordStore,
  afterCursor,
  cursorOf,
  followPage,
  movesOf,
  rememberPage,
} from '../../table/index.ts'
import { numberArgument, textArgument } from '../parts/arguments.ts'
import type { Compiler } from '../parts/compiler.ts'
import { cities } from '../parts/example-tables.ts'
import type { FunctionDefinition } from '../parts/function-definition.ts'
import { columnNames, prepareOrder, prepareTable, prepareWhere } from '../parts/record-query.ts'
import { compileRecordStream, streamParameters } from '../parts/stream-records.ts'

/** What reading a page costs beside plain ops. */
const PAGE_BURN = 16

export const getRecords: FunctionDefinition = {
  name: 'Get Records',
  aliases: ['Query All Records', 'Query Records', 'Get All Records'],
  summary:
    'Reads records of a table. A loop that asks for one page after the other costs the same for each page, however far in.',
  parameters: {
    table: { kind: 'value', summary: 'Name of the table.', type: 'text', required: true },
    where: {
      kind: 'where',
      summary:
        "Which records: `{ origin: 'JFK', delay: { gt: 10 } }`, or text as `delay > {{min}} && origin === 'JFK'`. All, when left out.",
      aliases: ['filter', 'filters'],
    },
    order: {
      kind: 'value',
      summary: 'As `delay DESC, id ASC`; the primary key always decides between equals.',
      type: 'any',
      aliases: ['order_by', 'sort'],
    },
    limit: { kind: 'value', summary: 'How many at most.', type: 'integer', aliases: ['per_page'] },
    offset: { kind: 'value', summary: 'How many to leave out first.', type: 'integer', default: 0 },
    cursor: {
      kind: 'value',
      summary:
        'Instead of `offset`: what `<as>_cursor` was after the page before; null for the first page. `<as>_cursor` is null after the last page.',
      type: 'text',
    },
    columns: {
      kind: 'literal',
      summary: 'Which columns. If omitted, all but private ones.',
      type: 'list',
      aliases: ['fields', 'select'],
    },
    ...streamParameters,
  },
  hasResult: true,
  resultDefault: 'records',
  resultSuffixes: ['_cursor'],
  examples: [
    {
      title: 'Filter, order and limit',
      tables: cities,
      stack: [
        {
          function: 'Get Records',
          table: 'cities',
          where: { country: 'FI', people: { gt: 200_000 } },
          order: 'people DESC',
          limit: 1,
          columns: ['name', 'people'],
        },
        { function: 'Streaming API Response', content: '{{records}}' },
      ],
      sends: [[{ name: 'Espoo', people: 300_000 }]],
    },
    {
      title: 'A page behind a cursor, as a caller asks for the next one',
      tables: cities,
      stack: [
        {
          function: 'Get Records',
          table: 'cities',
          order: 'name ASC',
          limit: 3,
          cursor: null,
          columns: ['name'],
          as: 'first',
        },
        {
          function: 'Get Records',
          table: 'cities',
          order: 'name ASC',
          limit: 3,
          cursor: '{{first_cursor}}',
          columns: ['name'],
          as: 'second',
        },
        { function: 'Streaming API Response', content: '{{second}}', metadata: { next: '{{second_cursor}}' } },
      ],
      sends: [[{ name: 'Tampere' }, { name: 'Turku' }]],
    },
    {
      title: 'A whole table, two records a chunk',
      tables: cities,
      stack: [
        {
          function: 'Get Records',
          table: 'cities',
          order: 'name ASC',
          columns: ['name'],
          chunk_by: 'records',
          chunk_size: 2,
          metadata: { batch_number: '{{batch_number}}', progress: '{{total_processed / estimated_total}}' },
        },
      ],
      sends: [[{ name: 'Bergen' }, { name: 'Espoo' }], [{ name: 'Oslo' }, { name: 'Tampere' }], [{ name: 'Turku' }]],
    },
    {
      title: 'Page by page, by hand',
      tables: cities,
      stack: [
        { step: 'Start', variables: { offset: 0, has_more: true } },
        {
          function: 'While Loop',
          condition: '{{has_more}} === true',
          inner_logic: [
            {
              function: 'Get Records',
              table: 'cities',
              order: 'name ASC',
              limit: 2,
              offset: '{{offset}}',
              columns: ['name'],
              as: 'page',
            },
            {
              function: 'Streaming API Response',
              content: '{{page}}',
              metadata: { batch_number: '{{current_batch}}', total: '{{estimated_total}}' },
            },
            {
              function: 'Update Variables',
              updates: { offset: '{{offset + 2}}', has_more: '{{page.length === 2}}' },
            },
          ],
        },
      ],
      sends: [[{ name: 'Bergen' }, { name: 'Espoo' }], [{ name: 'Oslo' }, { name: 'Tampere' }], [{ name: 'Turku' }]],
    },
  ],
  compile(step, compiler) {
    const query = prepareQuery(step, compiler)
    if (step.parameters['chunk_by'] !== undefined) {
      refuseCursor(step, compiler)
      return compileRecordStream(step, compiler, { query, estimate: prepareEstimate(step, compiler) })
    }
    warnOfUnusedParameters(step, compiler)
    const slot = compiler.resultSlot(step)
    const memo = compiler.slot(null)
    const as = step.as ?? 'records'
    const raw = compiler.holdsRawRecords(as)
    const cursor = step.parameters['cursor'] === undefined ? null : textArgument(step, compiler, 'cursor')
    const nextCursor = compiler.mentions(`${as}_cursor`) ? compiler.variable(`${as}_cursor`) : null
    compiler.emit((frame, strand) => {
      const { records } = strand.run
      const asked = placed(query(frame), cursor?.(frame) ?? '', records)
      const known = frame.slots[memo] as unknown as PageMemo | null
      // Before the page is read: what moves meanwhile counts against it.
      const moves = movesOf(records, asked)
      const take = (page: Page): void => {
        strand.burn(raw ? page.json.length >> 9 : page.length)
        frame.slots[memo] = rememberPage(known, asked, page, moves) as never
        if (nextCursor !== null) frame.slots[nextCursor] = cursorAfter(asked, page)
        frame.slots[slot] = raw ? { json: page.json, length: page.length } : page.rows
      }
      strand.burn(PAGE_BURN)
      const page = records.page(followPage(known, asked, moves), raw ? 'json' : 'rows')
      return page instanceof Promise ? strand.untilEnded(page).then(take) : take(page)
    })
  },
}

function refuseCursor(step: StepNode, compiler: Compiler): void {
  const { cursor } = step.parameters
  if (cursor === undefined) return
  compiler.issue('error', '`chunk_by` reads all pages by itself; remove `cursor`.', cursor.position)
}

function warnOfUnusedParameters(step: StepNode, compiler: Compiler): void {
  for (const name of ['chunk_size', 'metadata']) {
    const node = step.parameters[name]
    if (node === undefined) continue
    compiler.issue(
      'error',
      `\`${name}\` needs \`chunk_by: records\`, which sends the records; add it, or remove \`${name}\`.`,
      node.position,
    )
  }
}

/** Where the query starts: behind a cursor, or at its offset. */
function placed(query: Query, cursor: string, records: RecordStore): Query {
  return cursor === '' ? query : afterCursor(query, cursor, records.table(query.table).primaryKey)
}

function cursorAfter(query: Query, page: Page): string | null {
  // A page of no records leaves its reader where it was.
  if (query.limit === 0) return cursorOf(query, query.after ?? { keys: [] })
  return page.mark !== null && page.length === query.limit ? cursorOf(query, page.mark) : null
}

function prepareQuery(step: StepNode, compiler: Compiler): (frame: Frame) => Query {
  const table = prepareTable(step, compiler)
  const where = prepareWhere(step, compiler)
  const order = prepareOrder(step, compiler)
  const limit = numberArgument(step, compiler, 'limit', null, { min: 0, integer: true })
  const offset = numberArgument(step, compiler, 'offset', 0, { min: 0, integer: true })
  const columns = columnNames(step, compiler)
  return (frame) => ({
    table: table(frame),
    where: where(frame),
    order: order(frame),
    limit: limit(frame),
    offset: offset(frame),
    columns,
    after: null,
  })
}

/** Counts all records that a Get Records step pages through: `estimated_total`. */
export function prepareEstimate(
  step: StepNode,
  compiler: Compiler,
): (frame: Frame, strand: Strand) => number | Promise<number> {
  const table = prepareTable(step, compiler)
  const where = prepareWhere(step, compiler)
  return (frame, strand) => strand.run.records.count(table(frame), where(frame))
}
