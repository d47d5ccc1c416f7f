import { createHash } from 'node:crypto'
import type { EndpointDefinition, FunctionFile } from '../definition/types.ts'
import type { PlanContext } from './plan-context.ts'

/**
 * A hash of what a plan is compiled from: the endpoint, the function files that it may reach and the constants of the workspace. Where a
 * step stands in its file does not count; values of the environment do not either, so that no hash depends on a secret.
 */
export function planHash(
  { inputs, stack }: EndpointDefinition,
  functionFiles: readonly (FunctionFile | undefined)[],
  { variables, env }: PlanContext,
): string {
  const files = functionFiles.map((file) => file && { name: file.name, inputs: file.inputs, stack: file.stack })
  const parts = { inputs, stack, files, variables, env: Object.keys(env).sort() }
  const text = JSON.stringify(parts, (key, value: unknown) => (isPosition(key, value) ? undefined : value))
  return createHash('sha256').update(text).digest('base64url')
}

function isPosition(key: string, value: unknown): boolean {
  return /^(?:p|keyP)osition$/.test(key) && typeof value === 'object' && value !== null && 'line' in value
}
