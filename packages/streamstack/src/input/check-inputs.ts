import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import type { InputDeclaration } from '../definition/types.ts'
import { compileInput } from './input-check.ts'
import { InputFaults } from './input-faults.ts'
import { inspectInputs } from './inspect-inputs.ts'
import type { RequestBody } from './parse-body.ts'
import { refuseLongNumbers } from './long-numbers.ts'
import { newTextField, readTextFields } from './text-fields.ts'
import type { TextField } from './text-fields.ts'
import { readTextField } from './read-text-field.ts'

/** Where inputs come from. */
export interface InputSources {
  /** Path parameters, decoded. */
  path: Readonly<Record<string, string>>
  query: URLSearchParams
  /** From `parseBody`; `{}` for methods whose body is not read. */
  body: RequestBody
}

/** The declared inputs of one endpoint, compiled once. */
export interface InputChecker {
  /**
   * The values of all declared inputs, frozen; null for those that are neither sent nor have a default. The path wins
   * over the body, the body over the query. Texts of path, query and form are read as the declared type; JSON is taken
   * as it is. What is not declared is left out.
   *
   * @throws StreamstackError `input_invalid` with every fault in `details.errors`.
   */
  check(sources: InputSources): Readonly<Record<string, Value>>
}

/**
 * Compiles the checks of an endpoint's inputs.
 *
 * @throws StreamstackError for declarations that `inspectInputs` finds an error in; ask it first for all of them.
 */
export function compileInputs(declarations: readonly InputDeclaration[]): InputChecker {
  const error = inspectInputs(declarations).find(({ severity }) => severity === 'error')
  if (error !== undefined) {
    const { file, line, column } = error.position
    throw new StreamstackError('internal', `${file}:${line}:${column} ${error.message}`)
  }
  const names: ReadonlySet<string> = new Set(declarations.map(({ name }) => name))
  const inputs = declarations.map((declaration) => ({ declaration, check: compileInput(declaration) }))

  return {
    check({ path, query, body }) {
      if (inputs.length === 0) return noInputs
      const faults = new InputFaults()
      const queryFields = query.size === 0 ? noFields : readTextFields(query, names)
      const formFields = body instanceof URLSearchParams ? readTextFields(body, names) : noFields
      const json = body instanceof URLSearchParams ? noJson : body
      const values: Record<string, Value> = {}
      refuseLongNumbers(json, declarations, faults)
      faults.throwIfAny()
      for (const { declaration, check } of inputs) {
        const { name } = declaration
        const field = Object.hasOwn(path, name) ? newTextField(path[name] ?? '') : formFields.get(name)
        const sent =
          field !== undefined
            ? readTextField(declaration, field)
            : Object.hasOwn(json, name)
              ? json[name]
              : readOptional(declaration, queryFields.get(name))
        values[name] = check(sent, name, faults) ?? null
      }
      faults.throwIfAny()
      return Object.freeze(values)
    },
  }
}

const noFields: ReadonlyMap<string, TextField> = new Map()
const noInputs: Readonly<Record<string, Value>> = Object.freeze({})
const noJson: Readonly<Record<string, Value>> = Object.freeze({})

function readOptional(declaration: InputDeclaration, field: TextField | undefined): Value | undefined {
  return field === undefined ? undefined : readTextField(declaration, field)
}
