import { action } from '../parts/action.ts'
import { cities } from '../parts/example-tables.ts'
import { prepareTable, prepareWhere } from '../parts/record-query.ts'

export const countRecords = action({
  name: 'Count Records',
  aliases: ['Count'],
  summary: 'Counts the records of a table that fit a filter.',
  parameters: {
    table: { kind: 'value', summary: 'Name of the table.', type: 'text', required: true },
    where: { kind: 'where', summary: 'Which records; all, when left out.', aliases: ['filter', 'filters'] },
  },
  hasResult: true,
  resultDefault: 'count',
  examples: [
    {
      title: 'How many fit',
      tables: cities,
      inputs: { country: 'NO' },
      stack: [
        { function: 'Count Records', table: 'cities', where: 'country === {{country}}' },
        { function: 'Streaming API Response', content: '{{count}}' },
      ],
      sends: [2],
    },
  ],
  prepare(step, compiler) {
    const table = prepareTable(step, compiler)
    const where = prepareWhere(step, compiler)
    return (frame, strand) => {
      const count = strand.run.records.count(table(frame), where(frame))
      return count instanceof Promise ? strand.untilEnded(count) : count
    }
  },
})
