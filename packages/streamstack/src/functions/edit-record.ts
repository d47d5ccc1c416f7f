import { action } from './action.ts'
import { prepareRecordInput } from './record-input.ts'
import { prepareColumn, prepareTable } from './record-query.ts'

export const editRecord = action({
  name: 'Edit Record',
  aliases: ['Update Record', 'Patch Record'],
  summary:
    'Changes columns of one record, found by the value of a column; fails with `record_missing` when there is none.',
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
    record: {
      kind: 'value',
      summary: 'Column → new value; other columns stay.',
      type: 'object',
      required: true,
      aliases: ['data', 'values', 'fields', 'changes', 'updates'],
    },
  },
  hasResult: true,
  resultDefault: 'record',
  examples: [],
  prepare(step, compiler) {
    const table = prepareTable(step, compiler)
    const column = prepareColumn(step, compiler, 'field') ?? (() => 'id')
    const value = compiler.value(step.parameters['value'])
    const changes = prepareRecordInput(step, compiler, 'record')
    return (frame, strand) =>
      strand.run.services.records.edit(table(frame), column(frame), value.evaluate(frame), changes(frame))
  },
})
