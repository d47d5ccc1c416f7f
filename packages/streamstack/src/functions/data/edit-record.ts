import { noteChange } from '../../table/index.ts'
import { action } from '../parts/action.ts'
import { cities } from '../parts/example-tables.ts'
import { prepareRecordInput } from '../parts/record-input.ts'
import { lookupParameters, prepareLookup } from '../parts/record-lookup.ts'

export const editRecord = action({
  name: 'Edit Record',
  aliases: ['Update Record', 'Patch Record'],
  summary:
    'Changes columns of one record, found by the value of a column; fails with `record_missing` when there is none.',
  parameters: {
    ...lookupParameters,
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
  examples: [
    {
      title: 'One column changes, the others stay',
      tables: cities,
      stack: [
        { function: 'Edit Record', table: 'cities', field: 'name', value: 'Oslo', record: { people: 717_000 } },
        { function: 'Streaming API Response', content: '{{record}}' },
      ],
      sends: [{ id: 1, name: 'Oslo', country: 'NO', people: 717_000 }],
    },
    {
      title: 'None to change',
      tables: cities,
      stack: [{ function: 'Edit Record', table: 'cities', value: 99, record: { people: 1 } }],
      sends: [],
      fails: 'record_missing',
    },
  ],
  prepare(step, compiler) {
    const lookup = prepareLookup(step, compiler)
    const changes = prepareRecordInput(step, compiler, 'record')
    return (frame, strand) => {
      const { table, column, value } = lookup(frame)
      const { records } = strand.run
      const changed = changes(frame)
      const note = (): void => noteChange(records, table, Object.keys(changed))
      note()
      const edited = records.edit(table, column, value, changed)
      // An edit that waits for another writer may come after a page that was read meanwhile.
      return edited instanceof Promise ? edited.finally(note) : edited
    }
  },
})
