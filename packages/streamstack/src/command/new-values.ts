import type { Value } from '@streamstack/protocol'
import type { EndpointDefinition, InputDeclaration, StepNode } from '../definition/index.ts'
import type { TableDeclaration } from '../table/index.ts'
import { isEmailInput } from './sample-inputs.ts'

/** A UUID in each call: a variable that Postman and newman fill in. */
const NEW_UUID = '{{$guid}}'
const UUID_LENGTH = 36

/**
 * Values with a variable of Postman in them, by input: for inputs that the endpoint stores in a column in which no two records are equal. With a value of its own the call
 * would succeed once, and answer 409 afterwards.
 */
export function newValues(
  { stack, inputs }: EndpointDefinition,
  tables: readonly TableDeclaration[],
): Readonly<Record<string, string>> {
  const stored = [...uniqueValues(stack, tables)].join('\n')
  return Object.fromEntries(
    inputs.flatMap((input) => {
      const value = isNamedIn(stored, input.name) ? newValue(input) : null
      return value === null ? [] : [[input.name, value]]
    }),
  )
}

/** The object with new values for those of its members that have one. */
export function withNewValues(
  object: Readonly<Record<string, Value>>,
  values: Readonly<Record<string, string>>,
): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      name,
      typeof value === 'string' && Object.hasOwn(values, name) ? (values[name] ?? value) : value,
    ]),
  )
}

/** What the steps store in columns that must differ from record to record, as it is written. */
function* uniqueValues(stack: readonly StepNode[], tables: readonly TableDeclaration[]): Generator<string> {
  for (const { function: name, parameters, stacks, cases, disabled } of stack) {
    if (disabled) continue
    const table = tables.find((one) => one.name === parameters['table']?.value)
    if (name === 'Add Record' && table !== undefined) {
      const columns = uniqueColumns(table)
      for (const { key, node } of parameters['record']?.entries ?? []) {
        if (columns.has(key)) yield JSON.stringify(node.value)
      }
    }
    for (const inner of Object.values(stacks)) yield* uniqueValues(inner, tables)
    for (const inner of Object.values(cases)) for (const { steps } of inner) yield* uniqueValues(steps, tables)
  }
}

function uniqueColumns({ columns, indexes, primaryKey }: TableDeclaration): ReadonlySet<string> {
  return new Set([
    primaryKey,
    ...columns.filter(({ unique }) => unique).map(({ name }) => name),
    ...indexes.filter(({ unique }) => unique).flatMap((index) => index.columns),
  ])
}

function isNamedIn(text: string, name: string): boolean {
  return text.split(/[^\p{L}\p{N}_$]+/u).includes(name)
}

/** Null where no text with a UUID fits the declaration. */
function newValue(input: InputDeclaration): string | null {
  const { type, pattern, values, minLength, maxLength } = input
  if (pattern !== null || values !== null || !['text', 'email', 'uuid'].includes(type)) return null
  const end = isEmailInput(input) ? '@example.com' : ''
  const length = UUID_LENGTH + end.length
  return length >= (minLength ?? 0) && length <= (maxLength ?? Infinity) ? `${NEW_UUID}${end}` : null
}
