// `npm run try:packed`: packs the packages and installs them into an empty folder, as users without a clone do; then tries them.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runInNewContext } from 'node:vm'

const repository = dirname(import.meta.dirname)
const root = mkdtempSync(join(tmpdir(), 'streamstack-packed-'))

/** Runs a program in a folder and gives what it printed. */
function run(cwd: string, program: string, ...args: readonly string[]): string {
  console.log(`$ ${program} ${args.join(' ')}`)
  // Without what npm has set for this script: it would find the packages of the clone.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)))
  return execFileSync(program, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

function expectText(text: string, expected: string): void {
  if (!text.includes(expected)) throw new Error(`expected ${JSON.stringify(expected)} in:\n${text}`)
}

try {
  const packed = join(root, 'packed')
  const project = join(root, 'project')
  mkdirSync(packed)
  mkdirSync(project)
  run(repository, 'npm', 'pack', '--silent', '--workspaces', '--pack-destination', packed)
  const files = readdirSync(packed).map((file) => join(packed, file))
  run(project, 'npm', 'install', '--silent', '--prefer-offline', '--no-audit', '--no-fund', '@types/node@24', ...files)
  expectText(run(project, 'npx', 'streamstack', 'init', 'my-api'), 'npx streamstack dev my-api')
  expectText(run(project, 'npx', 'streamstack', 'check', 'my-api'), 'no problems')
  expectText(run(project, 'npx', 'streamstack', 'run', 'GET', '/api/hello', 'my-api'), 'Hello, world!')
  writeFileSync(
    join(project, 'try.mjs'),
    `import { serve } from 'streamstack'
import { createClient } from '@streamstack/client'
const server = await serve({ dir: './my-api', port: 0, mode: 'dev' })
const client = createClient({ url: server.url })
for await (const { content } of client.call('GET /api/hello')) console.log(content)
console.log('console', (await fetch(server.url + '/console/')).status)
await server.close()
`,
  )
  const printed = run(project, 'node', 'try.mjs')
  for (const expected of ['And this one closes the stream.', 'console 200']) expectText(printed, expected)
  writeFileSync(
    join(project, 'types.mts'),
    `import { createClient, type RunStream } from '@streamstack/client'
import { ERRORS } from '@streamstack/protocol'
import { serve } from 'streamstack'
const server = await serve({ dir: '.', port: 0 })
const stream: RunStream = createClient({ url: server.url }).call('GET /api/hello')
// @ts-expect-error: proves that the packed types are found; without them any call would pass.
const wrong: number = server.url
export { ERRORS, stream, wrong }
`,
  )
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
    '--skipLibCheck',
  ]
  run(project, join(repository, 'node_modules/.bin/tsc'), ...options, 'types.mts')
  const script = readFileSync(join(project, 'node_modules/@streamstack/client/dist/streamstack-client.js'), 'utf8')
  expectText(runInNewContext(`${script}\ntypeof Streamstack.createClient`) as string, 'function')
  console.log('The packed packages work.')
} finally {
  rmSync(root, { recursive: true, force: true })
}
