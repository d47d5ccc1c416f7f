import { action } from '../parts/action.ts'
import { cities } from '../parts/example-tables.ts'
import { lookupParameters, prepareLookup } from '../parts/record-lookup.ts'

export const deleteRecord = action({
  name: 'Delete Record',
  aliases: ['Remove Record'],
  summary: 'Deletes one record, found by the value of a column; the result says whether there was one.',
  parameters: {
    ...lookupParameters,
  },
  hasResult: true,
  examples: [
    {
      title: 'The second time it is gone',
      tables: cities,
      stack: [
        { function: 'Delete Record', table: 'cities', value: 3, as: 'was_there' },
        { function: 'Streaming API Response', content: '{{was_there}}' },
        { function: 'Delete Record', table: 'cities', value: 3, as: 'was_there' },
        { function: 'Streaming API Response', content: '{{was_there}}' },
        { function: 'Count Records', table: 'cities' },
        { function: 'Streaming API Response', content: '{{count}}' },
      ],
      sends: [true, false, 4],
    },
  ],
  prepare(step, compiler) {
    const lookup = prepareLookup(step, compiler)
    return (frame, strand) => {
      const { table, column, value } = lookup(frame)
      return strand.run.records.remove(table, column, value)
    }
  },
})
