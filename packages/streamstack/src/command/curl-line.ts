import type { Value } from '@streamstack/protocol'
import { type EndpointDefinition, type InputDeclaration, pathParameters } from '../definition/index.ts'
import { sampleInputs, sampleOf } from './sample-inputs.ts'
import { shellQuoted } from './workspace-dir.ts'

/** Methods whose inputs stand in the URL. */
const BODYLESS: readonly string[] = ['GET', 'DELETE']

/** A command line that calls an endpoint when pasted into a POSIX shell. `tokenCommand` makes a token of the workspace. */
export function curlLine(endpoint: EndpointDefinition, url: string, tokenCommand: string): string {
  const { method, access } = endpoint
  const inPath = pathParameters(endpoint.path)
  const samples = sampleInputs(endpoint.inputs.filter(({ name }) => !inPath.includes(name)))
  const words = ['curl', '-N']
  if (method !== 'GET' && (method !== 'POST' || Object.keys(samples).length === 0)) words.push('-X', method)
  if (access.authentication) words.push('-H', `"Authorization: Bearer $(${tokenLine(endpoint, tokenCommand)})"`)
  const path = samplePath(endpoint)
  if (BODYLESS.includes(method)) {
    words.push(shellQuoted(`${url}${path}${queryOf(samples)}`))
    return words.join(' ')
  }
  words.push(shellQuoted(`${url}${path}`))
  if (Object.keys(samples).length > 0) {
    words.push('-H', `'Content-Type: application/json'`, '-d', shellQuoted(JSON.stringify(samples)))
  }
  return words.join(' ')
}

/** The command that makes a token which the endpoint takes. */
function tokenLine({ access }: EndpointDefinition, tokenCommand: string): string {
  const role = access.roles[0] === undefined ? '' : ` --role ${shellQuoted(access.roles[0])}`
  const scope = access.scopes[0] === undefined ? '' : ` --scope ${shellQuoted(access.scopes[0])}`
  return `${tokenCommand}${role}${scope}`
}

function samplePath({ path, inputs }: EndpointDefinition): string {
  return path.replaceAll(/:([A-Za-z_]\w*)/g, (_, name: string) => {
    const input: InputDeclaration | undefined = inputs.find((one) => one.name === name)
    return encodeURIComponent(textOf(input === undefined ? '1' : sampleOf(input)))
  })
}

function queryOf(samples: Readonly<Record<string, Value>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(samples)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) query.append(`${name}.${key}`, textOf(inner))
    } else query.append(name, textOf(value))
  }
  return query.size === 0 ? '' : `?${query.toString()}`
}

function textOf(value: Value): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
