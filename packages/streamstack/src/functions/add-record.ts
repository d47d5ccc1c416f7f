import { action } from './action.ts'
import { prepareRecordInput } from './record-input.ts'
import { prepareTable } from './record-query.ts'

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
  examples: [],
  prepare(step, compiler) {
    const table = prepareTable(step, compiler)
    const record = prepareRecordInput(step, compiler, 'record')
    return (frame, strand) => strand.run.services.records.add(table(frame), record(frame))
  },
})
