import type { Value } from '@streamstack/protocol'
import type { EndpointDefinition } from '../definition/index.ts'
import { sampleOf } from './sample-inputs.ts'

/** Methods whose inputs stand in the URL. */
export const BODYLESS: ReadonlySet<string> = new Set(['GET', 'DELETE'])

/** What stands for a parameter in the path of a call to try, percent-encoded. */
export function samplePathPart({ inputs }: EndpointDefinition, name: string): string {
  const input = inputs.find((one) => one.name === name)
  return input === undefined ? '1' : encodeURIComponent(textOf(sampleOf(input)))
}

/** An input as parameters of a query, not yet encoded: an object is one parameter for each property, `name.property`. */
export function queryPairs(name: string, value: Value): [key: string, value: string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[name, textOf(value)]]
  return Object.entries(value).map(([key, inner]) => [`${name}.${key}`, textOf(inner)])
}

function textOf(value: Value): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
