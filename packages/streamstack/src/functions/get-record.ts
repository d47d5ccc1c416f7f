import { StreamstackError } from '@streamstack/protocol'
import { action } from './action.ts'
import { prepareColumn, prepareTable } from './record-query.ts'

export const getRecord = action({
  name: 'Get Record',
  aliases: ['Query Single Record', 'Find Record'],
  summary: 'Reads one record by the value of a column; null when there is none.',
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
    required: {
      kind: 'literal',
      summary: 'Fail with `record_missing` (404) instead of null.',
      type: 'boolean',
      default: false,
    },
  },
  hasResult: true,
  resultDefault: 'record',
  examples: [],
  prepare(step, compiler) {
    const table = prepareTable(step, compiler)
    const column = prepareColumn(step, compiler, 'field') ?? (() => 'id')
    const value = compiler.value(step.parameters['value'])
    const required = step.parameters['required']?.value === true
    return (frame, strand) => {
      const name = table(frame)
      const found = strand.run.services.records.get(name, column(frame), value.evaluate(frame))
      const take = <T>(record: T): T => {
        if (record === null && required)
          throw new StreamstackError('record_missing', `Table '${name}' has no such record.`)
        return record
      }
      return found instanceof Promise ? strand.untilEnded(found).then(take) : take(found)
    }
  },
})
