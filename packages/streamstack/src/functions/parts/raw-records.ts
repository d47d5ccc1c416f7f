import type { Value } from '@streamstack/protocol'
import type { TreeNode } from '../../definition/types.ts'
import type { Compiler } from './compiler.ts'

/**
 * Value of a variable whose records no step reads: the database's own JSON, and the number of
 * records.
 */
export interface RawRecords {
  readonly [key: string]: Value
  readonly json: string
  readonly length: number
}

/** The variable that a value is, when it is one whole `{{name}}`. */
export function wholeVariable(value: Value): string | null {
  if (typeof value !== 'string') return null
  return /^\s*\{\{\s*([A-Za-z_$][\w$]*)\s*\}\}\s*$/.exec(value)?.[1] ?? null
}

/** The slot of records that may go out as JSON text; null when the content is anything else. */
export function rawRecordsSlot(content: TreeNode | undefined, compiler: Compiler): number | null {
  const name = content === undefined ? null : wholeVariable(content.value)
  return name !== null && compiler.holdsRawRecords(name) ? compiler.variable(name) : null
}
