import { action } from '../parts/action.ts'
import { cities } from '../parts/example-tables.ts'
import { prepareRecordInput } from '../parts/record-input.ts'
import { prepareTable } from '../parts/record-query.ts'

export const addRecord = action({
  name: 'Add Record',
  aliases: ['Create Record', 'Insert Record'],
  summary: 'Adds a record to a table; the result is the record with its id and defaults.',
  parameters: {
    table: { kind: 'value', summary: 'Name of the table.', type: 'text', required: true },
    record: {
      kind: 'value',
      summary: 'Column → value.',
      type: 'object',
      required: true,
      aliases: ['data', 'values', 'fields'],
    },
  },
  hasResult: true,
  resultDefault: 'record',
  examples: [
    {
      title: 'The database gives the id and the default',
      tables: cities,
      stack: [
        { function: 'Add Record', table: 'cities', record: { name: 'Lund', country: 'SE' } },
        { function: 'Streaming API Response', content: '{{record}}' },
      ],
      sends: [{ id: 6, name: 'Lund', country: 'SE', people: 0 }],
    },
    {
      title: 'A name that is taken',
      tables: cities,
      stack: [{ function: 'Add Record', table: 'cities', record: { name: 'Oslo', country: 'NO' } }],
      sends: [],
      fails: 'record_conflict',
    },
  ],
  prepare(step, compiler) {
    const table = prepareTable(step, compiler)
    const record = prepareRecordInput(step, compiler, 'record')
    return (frame, strand) => strand.run.records.add(table(frame), record(frame))
  },
})
