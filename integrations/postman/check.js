/**
 * Serves a workspace, writes its collection and runs it twice in newman; for `workspace/` and the examples, or the folders that are named. Needs
 * `npm install` here and in the root of the repository.
 */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import newman from 'newman'

const STARTED_MS_MAX = 60_000

const here = import.meta.dirname
const root = join(here, '../..')
const cli = join(root, 'packages/streamstack/bin/streamstack.js')
// The server needs Node.js 24, which the repository brings along.
const ownNode = join(root, 'node_modules/.bin/node')
const node = existsSync(ownNode) ? ownNode : process.execPath
const named = process.argv.slice(2)

for (const workspace of named.length > 0 ? named : [join(here, 'workspace'), join(root, 'examples')]) {
  if ((await failuresOf(workspace)) > 0) process.exitCode = 1
}

/** How many assertions and requests of the workspace's collection failed. */
async function failuresOf(workspace) {
  const out = mkdtempSync(join(tmpdir(), 'streamstack-postman-'))
  const server = spawn(node, [cli, 'dev', workspace, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const url = await servedAt(server)
    execFileSync(node, [cli, 'postman', workspace, '-o', out, '--url', url])
    return await run(out, await tokenOf(url))
  } finally {
    server.kill()
    rmSync(out, { recursive: true })
  }
}

/** The address that the server prints when it is ready. */
function servedAt(server) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The server did not start in a minute.')), STARTED_MS_MAX)
    server.on('exit', () => {
      clearTimeout(timer)
      reject(new Error('The server ended before it was ready.'))
    })
    createInterface({ input: server.stdout }).on('line', (line) => {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
      if (url === undefined) return
      clearTimeout(timer)
      resolve(url)
    })
  })
}

/** The token of a new user, where the workspace registers users; else none. */
async function tokenOf(url) {
  const user = { email: 'grace@example.com', name: 'Grace', password: 'a long enough password' }
  const headers = { 'Content-Type': 'application/json' }
  const answer = await fetch(`${url}/api/register`, { method: 'POST', headers, body: JSON.stringify(user) })
  return answer.ok ? (await answer.json()).token : ''
}

function run(folder, token) {
  return new Promise((resolve, reject) => {
    newman.run(
      {
        collection: join(folder, 'streamstack.postman_collection.json'),
        environment: join(folder, 'streamstack.postman_environment.json'),
        envVar: [{ key: 'token', value: token }],
        // What a first run leaves behind must not fail the second.
        iterationCount: 2,
        reporters: 'cli',
      },
      (error, summary) => (error === null ? resolve(summary.run.failures.length) : reject(error)),
    )
  })
}
