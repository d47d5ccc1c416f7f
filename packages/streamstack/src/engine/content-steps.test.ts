import { expect, test } from 'vitest'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { formatIssue, readWorkspace } from '../workspace/index.ts'
import { compileWorkspace } from './index.ts'

async function errorsOf(definition: object): Promise<string[]> {
  await using workspace = await tempWorkspace({ 'streamstack.yaml': {}, 'endpoints/e.json': definition })
  const { issues } = compileWorkspace(await readWorkspace(workspace.dir), null)
  return issues.filter(({ severity }) => severity === 'error').map(formatIssue)
}

test.each([
  [{ function: 'Redact', kinds: ['emial'] }, 'Did you mean `email`?'],
  [{ function: 'Redact', national_ids: ['us'] }, 'Known are br_cpf'],
  [{ function: 'Redact', as: 'x' }, '`as` takes the redacted `input`'],
  [{ function: 'Validate Input', as: 'x' }, '`as` takes the clean `input`'],
  [{ function: 'Filter Stream' }, 'needs `words` or `patterns`'],
  [{ function: 'Filter Stream', words: [1] }, 'must be a list of texts'],
  [{ function: 'Filter Stream', words: [' '] }, 'is empty'],
  [{ function: 'Filter Stream', patterns: ['a*'] }, 'matches the empty text'],
  [{ function: 'Filter Stream', patterns: ['^a'] }, 'Use `\\b` for the border of a word'],
  [{ function: 'Filter Stream', patterns: ['(a'] }, 'is not a regular expression'],
  [{ function: 'Filter Stream', patterns: ['(?=a)b'] }, 'looks ahead or behind'],
  [{ function: 'Filter Stream', words: ['a'], mode: 'watch', action: 'replace' }, 'needs `mode: hold`'],
])('%j is refused when it loads', async (step, message) => {
  const errors = await errorsOf(endpoint('/e', [step, send('x')]))
  expect(errors).toEqual([expect.stringContaining(message)])
  expect(errors[0]).toMatch(/^endpoints\/e\.json:\d+:\d+ /)
})
