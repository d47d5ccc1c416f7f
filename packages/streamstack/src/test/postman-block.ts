import { type Issue, type TreeNode, entryOf } from '../definition/index.ts'
import { plainText } from './plain-text.ts'
import { checksOf } from './expectations.ts'
import type { TestCase } from './test-case.ts'

const METHOD = /^(?:HTTP )?(GET|POST|PUT|PATCH|DELETE)$/i

/** The server's address stands in the file as a variable of Postman's; only the path counts. */
const URL_VARIABLE = /^\{\{\s*\w+\s*\}\}/

const TIMEOUT_MS = 30_000

/**
 * The cases of a block `postman_streaming_tests`: one call for each scenario, `setup` for all, `validation` as sentences. A header that holds
 * `{{jwt_token}}` is replaced by a token of the caller `tester`.
 */
export function missionCases(block: TreeNode, issues: Issue[]): TestCase[] {
  const setup = entryOf(block, 'setup')?.node
  const method = METHOD.exec(plainText(setup && entryOf(setup, 'request_type')?.node.value, 'HTTP POST'))?.[1]
  const url = setup && entryOf(setup, 'url')?.node
  const path = plainText(url?.value).replace(URL_VARIABLE, '')
  if (method === undefined) report(issues, setup ?? block, '`request_type` must be such as "HTTP POST".')
  if (!path.startsWith('/')) report(issues, url ?? block, '`url` must be such as "{{server}}/api/stream-endpoint".')
  const headers = (setup && entryOf(setup, 'headers')?.node.entries) ?? []
  const needsToken = headers.some(({ node }) => /\{\{\s*jwt_token\s*\}\}/.test(plainText(node.value)))
  const own = headers.filter(({ node }) => !/\{\{/.test(plainText(node.value)))
  return (entryOf(block, 'test_scenarios')?.node.items ?? []).map((scenario): TestCase => {
    const body = entryOf(scenario, 'body')?.node.value
    const validation = entryOf(scenario, 'validation')?.node
    if (validation === undefined) report(issues, scenario, 'A scenario needs a list `validation`.')
    const sentences =
      validation === undefined ? [] : [{ key: 'sentences', keyPosition: validation.position, node: validation }]
    return {
      name: plainText(entryOf(scenario, 'name')?.node.value, 'A scenario'),
      position: scenario.position,
      request: {
        method: (method ?? 'POST').toUpperCase(),
        path,
        headers: Object.fromEntries(own.map(({ key, node }) => [key, plainText(node.value)])),
        body: body === undefined ? null : JSON.stringify(body),
        format: 'ndjson',
      },
      caller: needsToken ? { sub: 'tester' } : null,
      upstreams: [],
      checks: checksOf({ value: null, position: scenario.position, entries: sentences }, issues),
      outcome: null,
      status: null,
      faults: [],
      repeat: 1,
      timeoutMs: TIMEOUT_MS,
    }
  })
}

function report(issues: Issue[], { position }: TreeNode, message: string): void {
  issues.push({ severity: 'error', message, position })
}
