import type { Value } from '@streamstack/protocol'
import type { ParameterShape, StepNode } from '../../definition/types.ts'
import type { Frame } from '../../run/index.ts'
import type { Compiler } from './compiler.ts'
import { prepareColumn, prepareTable } from './record-query.ts'

/** Parameters of the functions that find one record by the value of a column. */
export const lookupParameters = {
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
} as const satisfies Record<string, ParameterShape>

/** What a step looks for. */
export interface Lookup {
  table: string
  column: string
  value: Value
}

export function prepareLookup(step: StepNode, compiler: Compiler): (frame: Frame) => Lookup {
  const table = prepareTable(step, compiler)
  const column = prepareColumn(step, compiler, 'field') ?? (() => 'id')
  const value = compiler.value(step.parameters['value'])
  return (frame) => ({ table: table(frame), column: column(frame), value: value.evaluate(frame) })
}
