import type { Value } from '@streamstack/protocol'
import { type JsonSchema, durationSchema } from './json-schema.ts'
import type { FunctionShape, ParameterShape, StackShape } from './types.ts'

/** Text with an expression, which may stand wherever a value of another type is expected. */
const expressionText: JsonSchema = { type: 'string', pattern: '\\{\\{' }

const notes: JsonSchema = {
  description: { type: 'string', description: 'A note; changes nothing.' },
  purpose: { type: 'string', description: 'A note; changes nothing.' },
}

/** Returns the definitions `step` and `stack`, with every function of the catalog. */
export function stepDefinitions(catalog: readonly FunctionShape[]): JsonSchema {
  const implied = catalog.filter((shape) => shape.name === 'Create Variables' || shape.name === 'Update Variables')
  return {
    stack: { type: 'array', items: { $ref: '#/$defs/step' } },
    step: {
      type: 'object',
      anyOf: [...catalog.map((shape) => stepSchema(shape, true)), ...implied.map((shape) => stepSchema(shape, false))],
    },
  }
}

/** `named`: with its function; the two that need no name are offered without it as well. */
function stepSchema(shape: FunctionShape, named: boolean): JsonSchema {
  const properties: Record<string, Value> = {
    function: { enum: [shape.name, ...(shape.aliases ?? [])], description: shape.summary },
    step: { type: ['string', 'integer'], description: 'A label, or a number.' },
    disabled: { type: 'boolean', description: 'Checked, but not run.' },
    ...notes,
  }
  if (shape.hasResult === true || shape.resultDefault !== undefined) {
    const fallback = shape.resultDefault === undefined ? '' : ` \`${shape.resultDefault}\` when absent.`
    properties['as'] = { type: 'string', description: `The variable that takes the result.${fallback}` }
  }
  /** One `anyOf` per required part: it may be written under any of its spellings. */
  const required: JsonSchema[] = []
  const add = (name: string, part: ParameterShape | StackShape, schema: JsonSchema): void => {
    const spellings = [name, ...(part.aliases ?? [])]
    for (const spelling of spellings) properties[spelling] ??= { ...schema, description: part.summary }
    if (part.required === true) required.push({ anyOf: spellings.map((spelling) => ({ required: [spelling] })) })
  }
  for (const [name, parameter] of Object.entries(shape.parameters)) add(name, parameter, parameterSchema(parameter))
  for (const [name, stack] of Object.entries(shape.stacks ?? {})) add(name, stack, stackSchema(stack))
  return {
    title: shape.name,
    description: shape.summary,
    properties,
    ...(named && { required: ['function'] }),
    ...(required.length > 0 && { allOf: required }),
  }
}

function parameterSchema(parameter: ParameterShape): JsonSchema {
  const common: JsonSchema = parameter.default === undefined ? {} : { default: parameter.default }
  switch (parameter.kind) {
    case 'condition':
      return { type: ['string', 'boolean'], ...common }
    case 'assignments':
      return { type: 'object', ...common }
    case 'variable':
      return { type: 'string', pattern: '^[^\\s{}]+$', ...common }
    case 'where':
      return { type: ['object', 'string', 'null'], ...common }
    case 'literal':
      return { ...typeSchema(parameter), ...common }
    default: {
      const type = typeSchema(parameter)
      return Object.keys(type).length === 0 ? common : { anyOf: [type, expressionText], ...common }
    }
  }
}

function typeSchema(parameter: ParameterShape): JsonSchema {
  if (parameter.values !== undefined) return { enum: parameter.values }
  switch (parameter.type ?? 'any') {
    case 'any':
      return {}
    case 'text':
      return { type: ['string', 'number', 'boolean'] }
    case 'integer':
      return { anyOf: [{ type: 'integer' }, { type: 'string', pattern: '^\\s*[+-]?\\d+\\s*$' }] }
    case 'number':
      return { anyOf: [{ type: 'number' }, { type: 'string', pattern: '^\\s*[+-]?[\\d.]+(e[+-]?\\d+)?\\s*$' }] }
    case 'duration':
      return durationSchema
    case 'boolean':
      return { enum: [true, false, 'true', 'false'] }
    case 'list':
      return { type: 'array' }
    default:
      return { type: 'object' }
  }
}

function stackSchema(stack: StackShape): JsonSchema {
  const steps: JsonSchema = { $ref: '#/$defs/stack' }
  if (stack.form === 'branches') return { type: 'array', items: steps }
  if (stack.form === 'cases') {
    const when: JsonSchema = stack.when === 'value' ? {} : { type: ['string', 'boolean'] }
    const item: JsonSchema = {
      type: 'object',
      properties: { when, condition: when, value: when, steps, true_branch: steps },
    }
    return { type: ['array', 'object'], items: item }
  }
  return steps
}
