import { action } from './action.ts'
import { prepareColumn, prepareTable } from './record-query.ts'

export const deleteRecord = action({
  name: 'Delete Record',
  aliases: ['Remove Record'],
  summary: 'Deletes one record, found by the value of a column; the result says whether there was one.',
  parameters: {
    table: { kind: 'value', summary: 'Name of the table.', type: 'text', required: true },
    field: {
      kind: 'value',
      summary: 'The column to look in.',
      type: 'text',
      default: 'id',
      aliases: ['column', 'field_name', 'by'],
    },
    value: {
      kind: 'value',
      summary: 'What it must hold.',
      type: 'any',
      required: true,
      aliases: ['id', 'field_value'],
    },
  },
  hasResult: true,
  examples: [],
  prepare(step, compiler) {
    const table = prepareTable(step, compiler)
    const column = prepareColumn(step, compiler, 'field') ?? (() => 'id')
    const value = compiler.value(step.parameters['value'])
    return (frame, strand) => strand.run.services.records.remove(table(frame), column(frame), value.evaluate(frame))
  },
})
