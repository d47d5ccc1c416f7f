import type { Value } from '@streamstack/protocol'
import { type EndpointDefinition, pathParameters } from '../definition/index.ts'
import { sampleInputs } from './sample-inputs.ts'
import { BODYLESS, queryPairs, samplePathPart } from './sample-url.ts'
import { shellQuoted } from './shell-quoted.ts'

/** A command line that calls an endpoint when pasted into a POSIX shell. `tokenCommand` makes a token of the workspace. */
export function curlLine(endpoint: EndpointDefinition, url: string, tokenCommand: string): string {
  const { method, access } = endpoint
  const inPath = pathParameters(endpoint.path)
  const samples = sampleInputs(endpoint.inputs.filter(({ name }) => !inPath.includes(name)))
  const words = ['curl', '-N']
  if (method !== 'GET' && (method !== 'POST' || Object.keys(samples).length === 0)) words.push('-X', method)
  if (access.authentication) words.push('-H', `"Authorization: Bearer $(${tokenLine(endpoint, tokenCommand)})"`)
  const path = samplePath(endpoint)
  if (BODYLESS.has(method)) {
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

function samplePath(endpoint: EndpointDefinition): string {
  return endpoint.path.replaceAll(/:([A-Za-z_]\w*)/g, (_, name: string) => samplePathPart(endpoint, name))
}

function queryOf(samples: Readonly<Record<string, Value>>): string {
  const query = new URLSearchParams(Object.entries(samples).flatMap(([name, value]) => queryPairs(name, value)))
  return query.size === 0 ? '' : `?${query.toString()}`
}
