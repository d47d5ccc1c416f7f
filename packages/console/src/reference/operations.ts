import type { ApiDocument, ApiOperation, ApiParameter, Reference, Schema } from './openapi.ts'

/** An operation as the page shows it. */
export interface ShownOperation {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly summary: string
  readonly group: string
  readonly inputs: readonly ShownInput[]
  readonly answers: readonly ShownAnswer[]
  /** Null: none is needed. */
  readonly token: string | null
}

export interface ShownInput {
  readonly name: string
  /** `path`, `query`, `header` or `body`. */
  readonly place: string
  readonly type: string
  readonly isRequired: boolean
  /** Bounds, values and default, in words. */
  readonly bounds: string
  readonly description: string
}

export interface ShownAnswer {
  readonly status: string
  readonly description: string
  readonly types: readonly string[]
  readonly headers: readonly string[]
}

/** The operations of a document, in its order. */
export function operationsOf(document: ApiDocument): ShownOperation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => shownOperation(document, method.toUpperCase(), path, operation)),
  )
}

function shownOperation(document: ApiDocument, method: string, path: string, operation: ApiOperation): ShownOperation {
  const { operationId, summary = '', tags = [], parameters = [], responses } = operation
  return {
    id: operationId,
    method,
    path,
    summary,
    group: tags[0] ?? 'Endpoints',
    inputs: [
      ...parameters.filter(isOwn).flatMap((parameter) => parameterInput(document, parameter)),
      ...bodyInputs(operation.requestBody?.content['application/json']?.schema),
      // Those that every endpoint takes come last.
      ...parameters
        .filter((parameter) => !isOwn(parameter))
        .flatMap((parameter) => parameterInput(document, parameter)),
    ],
    answers: Object.entries(responses).map(([status, { description, content = {}, headers = {} }]) => ({
      status,
      description,
      types: Object.keys(content),
      headers: Object.keys(headers),
    })),
    token: tokenOf(operation),
  }
}

function isOwn(parameter: ApiParameter | Reference): parameter is ApiParameter {
  return !('$ref' in parameter)
}

function parameterInput({ components }: ApiDocument, parameter: ApiParameter | Reference): ShownInput[] {
  const found = '$ref' in parameter ? components?.parameters?.[parameter.$ref.split('/').at(-1) ?? ''] : parameter
  if (found === undefined) return []
  const { name, in: place, required = false, schema = {}, description = schema.description ?? '' } = found
  return [{ name, place, type: typeText(schema), isRequired: required, bounds: boundsText(schema), description }]
}

function bodyInputs(schema: Schema | undefined, prefix = ''): ShownInput[] {
  return Object.entries(schema?.properties ?? {}).flatMap(([name, property]) => [
    {
      name: `${prefix}${name}`,
      place: 'body',
      type: typeText(property),
      isRequired: schema?.required?.includes(name) ?? false,
      bounds: boundsText(property),
      description: property.description ?? '',
    },
    ...bodyInputs(property, `${prefix}${name}.`),
  ])
}

/** Without null, which every input that may be left out takes. */
function typeText({ type, items, format }: Schema): string {
  const types = [type ?? []].flat().filter((one) => one !== 'null')
  if (types.length === 0 || types.length === 5) return 'any'
  // Digits in a text stand for integers beyond 2^53.
  const text = types.join(' or ').replace('integer or string', 'integer')
  if (items !== undefined) return `${text} of ${typeText(items)}`
  return format === undefined ? text : `${text} (${format})`
}

function boundsText(schema: Schema): string {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, pattern } = schema
  const values = schema.enum?.filter((value) => value !== null)
  return [
    ...range('', safe(minimum), safe(maximum)),
    ...range(' characters', minLength, maxLength),
    ...range(' items', minItems, maxItems),
    ...(values === undefined ? [] : [`one of ${values.map((value) => JSON.stringify(value)).join(', ')}`]),
    ...(pattern === undefined || schema.type?.includes('integer') ? [] : [`matches ${pattern}`]),
    ...(schema.default === undefined || schema.default === null ? [] : [`default ${JSON.stringify(schema.default)}`]),
  ].join(' · ')
}

/** The bounds of JSON numbers say nothing. */
function safe(bound: number | undefined): number | undefined {
  return bound === undefined || Math.abs(bound) >= Number.MAX_SAFE_INTEGER ? undefined : bound
}

function range(unit: string, min: number | undefined, max: number | undefined): string[] {
  if (min === undefined) return max === undefined ? [] : [`at most ${max}${unit}`]
  return [max === undefined ? `at least ${min}${unit}` : `${min} to ${max}${unit}`]
}

function tokenOf({ security = [] }: ApiOperation): string | null {
  if (security.length === 0) return null
  if (security.some((alternative) => Object.keys(alternative).length === 0)) return 'token optional'
  const needs = security.flatMap((alternative) => Object.values(alternative)).map((names) => names.join(' and '))
  const named = needs.filter((text) => text !== '')
  return named.length === 0 ? 'token' : `token with ${named.join(', or ')}`
}
