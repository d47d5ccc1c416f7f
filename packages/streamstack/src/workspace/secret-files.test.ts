import { expect, test } from 'vitest'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { readWorkspace } from './workspace.ts'

const files = {
  'streamstack.yaml': 'env: [JWT_SECRET, OTHER]\nauth: { jwt: { secret: "{{env.JWT_SECRET}}" } }\n',
  'endpoints/a.json': { endpoint_settings: { method: 'GET', path: '/a' }, function_stack: [] },
}
const SECRET = 'a secret of the tests, as long as a key has to be'

test('a variable may come as a file, from the environment or .env, seen from the workspace', async () => {
  for (const ending of ['', '\n', '\r\n']) {
    await using workspace = await tempWorkspace({
      ...files,
      'jwt.secret': `${SECRET}${ending}`,
      '.env': 'OTHER_FILE=other',
    })
    await workspace.write('other', ' kept  as is ')
    const { settings, env, issues } = await readWorkspace(workspace.dir, { JWT_SECRET_FILE: 'jwt.secret' })
    expect(issues).toEqual([])
    expect(settings?.auth.jwt[0]?.secret).toBe(SECRET)
    expect(env).toMatchObject({ JWT_SECRET: SECRET, OTHER: ' kept  as is ' })
  }
})

test('keys of providers may, too; unlisted names are not looked at', async () => {
  await using workspace = await tempWorkspace({ ...files, key: 'sk-1' })
  const environment = { JWT_SECRET: SECRET, OTHER: 'x', OPENAI_API_KEY_FILE: 'key', HOME_FILE: '/nowhere' }
  const { env, issues } = await readWorkspace(workspace.dir, environment)
  expect(issues).toEqual([])
  expect(env).toMatchObject({ OPENAI_API_KEY: 'sk-1' })
})

test.each([
  ['missing', {}, /JWT_SECRET_FILE names cannot be read as text: ENOENT/],
  ['no text', { secret: Buffer.from([0xff, 0xfe, 0x00]) }, /cannot be read as text/],
  ['too large', { secret: 'x'.repeat(70_000) }, /larger than 65536 bytes/],
  ['a folder', { 'secret/file': '' }, /EISDIR/],
])('a file that is %s is an error that names the variable, and never its content', async (_name, more, message) => {
  await using workspace = await tempWorkspace({ ...files, ...more })
  const { settings, issues } = await readWorkspace(workspace.dir, { JWT_SECRET_FILE: 'secret', OTHER: 'x' })
  expect(settings).toBeNull()
  expect(issues.map((issue) => issue.message).join('\n')).toMatch(message)
})

test('where both are set the value counts, with a warning', async () => {
  await using workspace = await tempWorkspace({ ...files, secret: 'other' })
  const environment = { JWT_SECRET: SECRET, JWT_SECRET_FILE: 'secret', OTHER: 'x' }
  const { settings, issues } = await readWorkspace(workspace.dir, environment)
  expect(settings?.auth.jwt[0]?.secret).toBe(SECRET)
  expect(issues).toMatchObject([{ severity: 'warning', message: expect.stringContaining('both set') }])
})
