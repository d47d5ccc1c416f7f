import { StreamstackError } from '@streamstack/protocol'
import { action } from '../parts/action.ts'
import { cities } from '../parts/example-tables.ts'
import { lookupParameters, prepareLookup } from '../parts/record-lookup.ts'
import { columnNames } from '../parts/record-query.ts'

export const getRecord = action({
  name: 'Get Record',
  aliases: ['Query Single Record', 'Find Record'],
  summary: 'Reads one record by the value of a column; null when there is none.',
  parameters: {
    ...lookupParameters,
    columns: {
      kind: 'literal',
      summary: 'Which columns. If omitted, all but private ones.',
      type: 'list',
      aliases: ['fields', 'select'],
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
  examples: [
    {
      title: 'By a column that is not the key; null when there is none',
      tables: cities,
      stack: [
        { function: 'Get Record', table: 'cities', field: 'name', value: 'Turku', as: 'city' },
        { function: 'Streaming API Response', content: '{{city.country}}' },
        { function: 'Get Record', table: 'cities', value: 99, as: 'nobody' },
        { function: 'Streaming API Response', content: '{{nobody === null}}' },
      ],
      sends: ['FI', true],
    },
    {
      title: 'One that must be there',
      tables: cities,
      stack: [{ function: 'Get Record', table: 'cities', value: 99, required: true }],
      sends: [],
      fails: 'record_missing',
    },
  ],
  prepare(step, compiler) {
    const lookup = prepareLookup(step, compiler)
    const columns = columnNames(step, compiler)
    const required = step.parameters['required']?.value === true
    return (frame, strand) => {
      const { table, column, value } = lookup(frame)
      const found = strand.run.records.get(table, column, value, columns)
      const take = <T>(record: T): T => {
        if (record === null && required)
          throw new StreamstackError('record_missing', `Table '${table}' has no such record.`)
        return record
      }
      return found instanceof Promise ? strand.untilEnded(found).then(take) : take(found)
    }
  },
})
