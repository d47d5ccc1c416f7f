/** Serves `workspace/`, writes its collection and runs it in newman. Needs `npm install` here and in the root of the repository. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import newman from 'newman'

const STARTED_MS_MAX = 60_000

const here = import.meta.dirname
const cli = join(here, '../../packages/streamstack/bin/streamstack.js')
const workspace = join(here, 'workspace')
const out = mkdtempSync(join(tmpdir(), 'streamstack-postman-'))
const server = spawn(process.execPath, [cli, 'dev', workspace, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })

try {
  const url = await servedAt(server)
  execFileSync(process.execPath, [cli, 'postman', workspace, '-o', out, '--url', url])
  const failures = await run()
  process.exitCode = failures === 0 ? 0 : 1
} finally {
  server.kill()
  rmSync(out, { recursive: true })
}

/** The address that the server prints when it is ready. */
function servedAt({ stdout }) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The server did not start in a minute.')), STARTED_MS_MAX)
    createInterface({ input: stdout }).on('line', (line) => {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
      if (url === undefined) return
      clearTimeout(timer)
      resolve(url)
    })
  })
}

/** Resolves to how many assertions and requests failed. */
function run() {
  return new Promise((resolve, reject) => {
    newman.run(
      {
        collection: join(out, 'streamstack.postman_collection.json'),
        environment: join(out, 'streamstack.postman_environment.json'),
        reporters: 'cli',
      },
      (error, summary) => (error === null ? resolve(summary.run.failures.length) : reject(error)),
    )
  })
}
