import { parseEnv } from 'node:util'

/** Names and values, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What a workspace sees: the values of its `.env` file under those of the process, which win. */
export function mergeEnvironment(dotenvText: string, process: Environment): Environment {
  // No prototype: a name such as `constructor` must not be found by accident.
  const merged: Record<string, string | undefined> = Object.create(null)
  for (const [name, value] of Object.entries(parseEnv(dotenvText))) merged[name] = value
  for (const [name, value] of Object.entries(process)) {
    if (value !== undefined) merged[name] = value
  }
  return merged
}

/** The same environment with one more value. */
export function withVariable(environment: Environment, name: string, value: string): Environment {
  return Object.assign(Object.create(null) as object, environment, { [name]: value })
}
