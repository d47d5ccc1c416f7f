import type { StepNode } from '../../definition/types.ts'
import type { Frame } from '../../run/index.ts'
import type { RecordInput } from '../../table/index.ts'
import { argumentFault, kindOf } from './arguments.ts'
import type { Compiler } from './compiler.ts'
import { checkColumn, knownTable } from './record-query.ts'

/** A record that a step writes: an object of column → value, or an expression that gives one. */
export function prepareRecordInput(
  step: StepNode,
  compiler: Compiler,
  parameter: string,
): (frame: Frame) => RecordInput {
  const node = step.parameters[parameter]
  const table = knownTable(step, compiler)
  if (table !== null && node?.entries !== undefined) {
    for (const { key, keyPosition, node: value } of node.entries)
      checkColumn(compiler, { ...value, position: keyPosition }, table, key)
  }
  const expression = compiler.value(node)
  return (frame) => {
    const record = expression.evaluate(frame)
    if (typeof record === 'object' && record !== null && !Array.isArray(record)) return record as RecordInput
    throw argumentFault(
      step,
      parameter,
      `must be an object of column and value; it is ${kindOf(record)}`,
      'record_invalid',
    )
  }
}
