import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ruleNames } from '../review/index.ts'
import { commandLine } from '@streamstack/test-support/command-line'

interface ToldFinding {
  file: string
  line: number
  severity: string
  rule?: string
  message: string
  cure: string
}

const endpoint = (settings: string, steps: string, inputs = ''): string =>
  `endpoint_settings: { method: POST, path: /a${settings === '' ? '' : `, ${settings}`} }\n${inputs}function_stack:\n${steps
    .split('\n')
    .map((step) => `  - ${step}\n`)
    .join('')}`
const say = '{ function: Streaming API Response, content: a }'
const jwt = 'env: [S]\nauth: { jwt: { secret: "{{env.S}}" } }\nserver: { hosts: [api.example] }\n'
const people = 'columns: { name: text, email: text, owner_id: text }\n'
const reading = (where: string): string => `{ function: Get Records, table: people, where: "${where}" }`
const paid = (more: string): string =>
  `{ function: AI Reply, provider: openai, model: gpt-4.1-mini, messages: hello${more} }`
const requesting = (url: string): string => `{ function: External API Request, url: '${url}' }`
const target = 'input_parameters: { target: { type: text, required: true } }\n'

/** Findings of a workspace, but for those that a rule finds in every one of these. */
async function review(files: Readonly<Record<string, string>>): Promise<{ code: number; found: ToldFinding[] }> {
  using line = commandLine({ S: 'x'.repeat(40), OPENAI_API_KEY: 'k' })
  line.write({ 'streamstack.yaml': jwt, 'endpoints/a.yaml': endpoint('', say), ...files })
  const { code, out } = await line.run('check', '--security', '--json')
  const found = (JSON.parse(out) as ToldFinding[]).filter(({ rule }) => rule !== undefined)
  return { code, found }
}

/** A rule, its severity, files in which it finds something, and the same files with what its cure says. */
const cases: readonly [
  rule: string,
  severity: string,
  hostile: Record<string, string>,
  benign: Record<string, string>,
][] = [
  [
    'table-reads',
    'high',
    {
      'endpoints/a.yaml': endpoint(
        '',
        '{ function: Get Record, table: users, field: name, value: a, columns: [id, password_hash], as: user }\n{ function: Verify Password, password: b, hash: "{{user?.password_hash}}" }\n{ function: Response, content: "{{user}}" }',
      ),
      'tables/users.yaml': 'columns: { name: text, password_hash: text }\n',
    },
    {
      'endpoints/a.yaml': endpoint(
        '',
        '{ function: Get Record, table: users, field: name, value: a, columns: [id, password_hash], as: user }\n{ function: Verify Password, password: b, hash: "{{user?.password_hash}}" }\n{ function: Response, content: "{{user.id}}" }',
      ),
      'tables/users.yaml': 'columns: { name: text, password_hash: text }\n',
    },
  ],
  [
    'open-writes',
    'high',
    {
      'endpoints/a.yaml': endpoint('', '{ function: Add Record, table: people, record: {} }'),
      'tables/people.yaml': people,
    },
    {
      'endpoints/a.yaml': endpoint('authentication: true', '{ function: Add Record, table: people, record: {} }'),
      'tables/people.yaml': people,
    },
  ],
  [
    'open-writes',
    'high',
    {
      'endpoints/a.yaml': endpoint(
        '',
        '{ function: Conditional, condition: "true", true_branch: [{ function: Run Function, name: deep }] }',
      ),
      'functions/deep.yaml': 'function_stack: [{ function: Delete Record, table: people, value: 1 }]\n',
      'tables/people.yaml': people,
    },
    {
      'endpoints/a.yaml': endpoint('', '{ function: Run Function, name: deep }'),
      'functions/deep.yaml': 'function_stack: [{ function: Delete Record, table: people, value: 1, disabled: true }]\n',
      'tables/people.yaml': people,
    },
  ],
  [
    'open-writes',
    'medium',
    {
      'endpoints/a.yaml': endpoint('', '{ function: Publish to Channel, channel: news, content: a }'),
      'channels/news.yaml': 'subscribe: true\n',
    },
    {
      'endpoints/a.yaml': endpoint('roles: [editor]', '{ function: Publish to Channel, channel: news, content: a }'),
      'channels/news.yaml': 'subscribe: true\n',
    },
  ],
  [
    'paid-calls',
    'high',
    { 'endpoints/a.yaml': endpoint('', paid(', max_tokens: 5')) },
    { 'endpoints/a.yaml': endpoint('authentication: true', paid(', max_tokens: 5')) },
  ],
  [
    'paid-calls',
    'high',
    { 'endpoints/a.yaml': endpoint('rate_limit: { calls: 9, per: 1m, mode: report }', paid(', max_tokens: 5')) },
    { 'endpoints/a.yaml': endpoint('rate_limit: { calls: 9, per: 1m }', paid(', max_tokens: 5')) },
  ],
  [
    'paid-calls',
    'low',
    { 'endpoints/a.yaml': endpoint('authentication: true', paid('')) },
    { 'endpoints/a.yaml': endpoint('authentication: true', paid(', max_tokens: 5')) },
  ],
  [
    'paid-calls',
    'high',
    {
      'endpoints/a.yaml': endpoint(
        '',
        '{ function: External API Request, url: "https://paid.example", headers: { Authorization: "Bearer {{env.S}}" } }',
      ),
    },
    { 'endpoints/a.yaml': endpoint('', requesting('https://free.example')) },
  ],
  [
    'caller-urls',
    'medium',
    { 'endpoints/a.yaml': endpoint('', requesting('{{target}}'), target) },
    { 'endpoints/a.yaml': endpoint('', requesting('https://api.example/{{target}}'), target) },
  ],
  [
    'caller-urls',
    'high',
    {
      'endpoints/a.yaml': endpoint('', requesting('{{input.target}}'), target),
      'streamstack.yaml': `${jwt}outbound: { allow: ['10.0.0.7:9000'] }\n`,
    },
    { 'streamstack.yaml': `${jwt}outbound: { allow: ['10.0.0.7:9000'] }\n` },
  ],
  [
    'table-reads',
    'high',
    { 'endpoints/a.yaml': endpoint('', '{ function: Get Records, table: people }'), 'tables/people.yaml': people },
    {
      'endpoints/a.yaml': endpoint('', '{ function: Get Records, table: people, columns: [name] }'),
      'tables/people.yaml': people,
    },
  ],
  [
    'table-reads',
    'medium',
    { 'endpoints/a.yaml': endpoint('authentication: true', reading("name == 'x'")), 'tables/people.yaml': people },
    {
      'endpoints/a.yaml': endpoint('authentication: true', reading('owner_id == {{auth.sub}}')),
      'tables/people.yaml': people,
    },
  ],
  [
    'table-reads',
    'medium',
    {
      'endpoints/a.yaml': endpoint('authentication: true', '{ function: Delete Record, table: people, value: 1 }'),
      'tables/people.yaml': people,
    },
    {
      'endpoints/a.yaml': endpoint('authentication: true', '{ function: Delete Record, table: people, value: 1 }'),
      'tables/people.yaml': `${people}allow: owner_id == {{auth.sub}}\n`,
    },
  ],
  [
    'table-reads',
    'medium',
    { 'endpoints/a.yaml': endpoint('authentication: true', reading("name == 'x'")), 'tables/people.yaml': people },
    { 'endpoints/a.yaml': endpoint('roles: [support]', reading("name == 'x'")), 'tables/people.yaml': people },
  ],
  [
    'table-reads',
    'low',
    {
      'endpoints/a.yaml': endpoint('', reading("name == 'x'")),
      'tables/people.yaml': `${people}allow: owner_id == {{auth.sub}}\n`,
    },
    {
      'endpoints/a.yaml': endpoint('', reading("name == 'x'")),
      'tables/people.yaml': `${people}allow: name == 'x' || owner_id == {{auth.sub}}\n`,
    },
  ],
  [
    'secrets-in-files',
    'high',
    { 'streamstack.yaml': jwt.replace('{{env.S}}', '0123456789abcdef0123456789abcdef') },
    { 'streamstack.yaml': `${jwt}variables: { password: ask me }\n` },
  ],
  [
    'secrets-in-files',
    'high',
    { 'endpoints/a.yaml': endpoint('', `{ function: Streaming API Response, content: 'sk-${'a1'.repeat(20)}' }`) },
    {
      'endpoints/a.yaml': endpoint(
        '',
        "{ function: Streaming API Response, content: 'sk-short' }",
        'input_parameters: { password: { type: text, description: At least twelve characters } }\n',
      ),
    },
  ],
  [
    'wide-settings',
    'high',
    {
      'streamstack.yaml': jwt.replace(
        'hosts',
        "cors: { origins: ['https://*.example.com'], credentials: true }, hosts",
      ),
    },
    {
      'streamstack.yaml': jwt.replace(
        'hosts',
        "cors: { origins: ['https://a.example.com'], credentials: true }, hosts",
      ),
    },
  ],
  [
    'wide-settings',
    'high',
    { 'streamstack.yaml': jwt.replace('hosts', 'host: 0.0.0.0, hosts') },
    {
      'streamstack.yaml': `${jwt.replace('hosts', "host: 0.0.0.0, public_url: 'https://api.example', hosts")}limits: { open_streams: { per_address: 100 } }\n`,
    },
  ],
  [
    'wide-settings',
    'low',
    { 'streamstack.yaml': jwt.replace('hosts', "host: 0.0.0.0, public_url: 'https://api.example', hosts") },
    {
      'streamstack.yaml': `${jwt.replace('hosts', "host: 0.0.0.0, public_url: 'https://api.example', hosts")}limits: { open_streams: { per_caller: 10 } }\n`,
    },
  ],
  ['wide-settings', 'low', { 'streamstack.yaml': 'name: x\n' }, {}],
  [
    'wide-settings',
    'medium',
    { 'streamstack.yaml': `${jwt}streams: { access: open }\n` },
    { 'streamstack.yaml': `${jwt}streams: { access: closed }\n` },
  ],
  [
    'wide-settings',
    'medium',
    { 'streamstack.yaml': jwt.replace('hosts', 'errors: detailed, hosts') },
    { 'streamstack.yaml': jwt.replace('hosts', 'errors: public, hosts') },
  ],
  [
    'wide-settings',
    'medium',
    { 'streamstack.yaml': `${jwt}audit: { enabled: true, head: { webhook: 'http://notary.example' } }\n` },
    { 'streamstack.yaml': `${jwt}audit: { enabled: true, head: { webhook: 'https://notary.example' } }\n` },
  ],
  [
    'wide-settings',
    'low',
    { 'streamstack.yaml': `${jwt}audit: { enabled: true, on_failure: continue }\n` },
    { 'streamstack.yaml': `${jwt}audit: { enabled: true }\n` },
  ],
  [
    'wide-outbound',
    'high',
    { 'streamstack.yaml': `${jwt}outbound: { allow: ['169.254.169.254'] }\n` },
    { 'streamstack.yaml': `${jwt}outbound: { allow: [self, '10.0.0.7:9000', 10.1.2.0/24] }\n` },
  ],
  ['wide-outbound', 'high', { 'streamstack.yaml': `${jwt}outbound: { allow: [0.0.0.0/0] }\n` }, {}],
  [
    'wide-outbound',
    'medium',
    { 'streamstack.yaml': `${jwt}outbound: { allow: [10.0.0.0/8] }\n` },
    { 'streamstack.yaml': `${jwt}outbound: { allow: ['127.0.0.1:9000'] }\n` },
  ],
  [
    'open-channels',
    'medium',
    { 'channels/c.yaml': 'publish: true\n' },
    { 'channels/c.yaml': 'publish: token\nsubscribe: true\n' },
  ],
]

test.each(cases)(
  '%s is found (%s), and not where its cure was followed: case %#',
  async (rule, severity, hostile, benign) => {
    const { code, found } = await review(hostile)
    expect(found.map((finding) => [finding.rule, finding.severity])).toContainEqual([rule, severity])
    expect(code).toBe(found.some((finding) => finding.severity === 'high') ? 1 : 0)
    for (const finding of found) {
      expect(finding.file in hostile || finding.file === 'streamstack.yaml').toBe(true)
      expect(finding.cure).not.toBe('')
      // What was found must not be told on.
      expect(JSON.stringify(finding)).not.toMatch(/0123456789abcdef0|sk-a1a1/)
    }
    const cured = await review(benign)
    expect(cured.found.filter((finding) => finding.rule === rule)).toEqual([])
  },
)

test('every rule has a case', () => {
  expect([...new Set(cases.map(([rule]) => rule))].toSorted()).toEqual(ruleNames.toSorted())
})

describe('files that others may read', () => {
  test('.env and the data folder are found by their permissions, and .env in a repository that does not ignore it', async () => {
    using line = commandLine()
    line.write({
      'streamstack.yaml': 'server: { hosts: [a.example] }\n',
      'endpoints/a.yaml': endpoint('', say),
      '.env': 'A=1\n',
    })
    mkdirSync(join(line.cwd, '.git'))
    mkdirSync(join(line.cwd, '.streamstack'))
    chmodSync(join(line.cwd, '.env'), 0o644)
    chmodSync(join(line.cwd, '.streamstack'), 0o755)
    const found = await line.run('check', '--security')
    expect(found.code).toBe(1)
    expect(found.out).toMatch(/^\.env:1:1 high: .*committed.* \[secrets-in-files\]\n {4}Add `\.env` to \.gitignore/m)
    expect(found.out).toMatch(/^\.env:1:1 medium: /m)
    expect(found.out).toMatch(/^streamstack\.yaml:1:1 medium: .*data folder/m)
    expect(found.out).toMatch(/^Security: 1 high, 2 medium$/m)
    line.write({ '.gitignore': '.env\n' })
    chmodSync(join(line.cwd, '.env'), 0o600)
    chmodSync(join(line.cwd, '.streamstack'), 0o700)
    expect(await line.run('check', '--security')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/Security: nothing found\n$/),
    })
  })
})

test('a comment accepts the findings of a rule in its file, and never a secret', async () => {
  const writes = endpoint('', '{ function: Add Record, table: people, record: {} }')
  const files = {
    'endpoints/a.yaml': `# security-accepted: open-writes, secrets-in-files\n${writes}`,
    'tables/people.yaml': people,
  }
  expect(await review(files)).toMatchObject({ code: 0, found: [] })
  const secret = files['endpoints/a.yaml'].replace('record: {}', `record: { name: 'ghp_${'a1'.repeat(20)}' }`)
  const { found } = await review({ ...files, 'endpoints/a.yaml': secret })
  expect(found.map(({ rule }) => rule)).toEqual(['secrets-in-files'])
})

test('a workspace whose settings cannot be read is not said to be without findings', async () => {
  using line = commandLine()
  line.write({ 'streamstack.yaml': 'server: { port: many }\n', 'endpoints/a.yaml': endpoint('', say) })
  const { code, out } = await line.run('check', '--security')
  expect(code).toBe(1)
  expect(out).toMatch(/Security: not reviewed\. Mend streamstack\.yaml first/)
  expect(out).not.toContain('nothing found')
})

test('without the option nothing is reviewed', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint('', say), 'channels/c.yaml': 'publish: true\n' })
  expect((await line.run('check')).out).not.toContain('Security')
})

test('the examples have no finding that is worth closing, and say which they accept', async () => {
  using line = commandLine()
  const { code, out } = await line.run('check', join(import.meta.dirname, '../../../../examples'), '--security')
  expect(code).toBe(0)
  expect(out).not.toMatch(/ (?:high|medium): /)
  expect(out).toMatch(/\d accepted/)
})
