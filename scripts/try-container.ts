/**
 * `npm run try:container`: follows the steps of `Dockerfile` in an empty folder, with Node.js of this machine in the place of the base image,
 * then serves the examples, checks health and a stream, and stops. It shows that the steps work, not that the image does.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const STARTED_TRIES = 120
const TRY_MS = 500

const repository = dirname(import.meta.dirname)
const root = mkdtempSync(join(tmpdir(), 'streamstack-container-'))

/** One `FROM`: a folder that stands for `/`. */
interface Stage {
  readonly folder: string
  readonly env: Record<string, string>
  workdir: string
  entrypoint: string[]
  command: string[]
  health: string[]
}

const stages = new Map<string, Stage>()

try {
  mkdirSync(join(root, 'bin'))
  // A user `node` exists in the base image only.
  writeFileSync(join(root, 'bin/chown'), '#!/bin/sh\n', { mode: 0o755 })
  const image = build(readFileSync(join(repository, 'Dockerfile'), 'utf8'))
  await tryImage(image)
  console.log('The steps of Dockerfile work. The image itself is untested.')
} finally {
  rmSync(root, { recursive: true, force: true })
}

function build(dockerfile: string): Stage {
  let stage: Stage | null = null
  for (const line of dockerfile.split('\n')) {
    const [, instruction = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? []
    if (instruction === '') continue
    console.log(`> ${line}`)
    if (instruction === 'FROM') {
      const name = / AS (\w+)$/.exec(rest)?.[1] ?? 'final'
      stage = newStage(name)
      stages.set(name, stage)
    } else if (stage !== null) follow(stage, instruction, rest)
  }
  if (stage === null) throw new Error('Dockerfile has no FROM.')
  return stage
}

function newStage(name: string): Stage {
  const folder = join(root, name)
  mkdirSync(folder)
  return { folder, env: {}, workdir: '/', entrypoint: [], command: [], health: [] }
}

function follow(stage: Stage, instruction: string, rest: string): void {
  switch (instruction) {
    case 'WORKDIR':
      stage.workdir = rest
      mkdirSync(inside(stage, rest), { recursive: true })
      break
    case 'COPY':
      copy(stage, rest)
      break
    case 'RUN':
      execFileSync('sh', ['-ec', mapped(stage, rest)], {
        cwd: inside(stage, stage.workdir),
        env: environment(stage),
        stdio: ['ignore', 'inherit', 'inherit'],
      })
      break
    case 'ENV': {
      const [name = '', value = ''] = rest.split('=', 2)
      stage.env[name] = value
      break
    }
    case 'ENTRYPOINT':
      stage.entrypoint = JSON.parse(rest) as string[]
      break
    case 'CMD':
      stage.command = JSON.parse(rest) as string[]
      break
    case 'HEALTHCHECK':
      stage.health = JSON.parse(rest.slice(rest.indexOf('['))) as string[]
      break
    case 'USER':
    case 'VOLUME':
    case 'EXPOSE':
    case 'STOPSIGNAL':
      break
    default:
      throw new Error(`This script does not know the instruction ${instruction}.`)
  }
}

function copy(stage: Stage, rest: string): void {
  const [, from, source = '', target = ''] = /^(?:--from=(\w+) )?(\S+) (\S+)$/.exec(rest) ?? []
  const to = target.startsWith('/') ? inside(stage, target) : join(inside(stage, stage.workdir), target)
  if (from !== undefined) {
    const other = stages.get(from)
    if (other === undefined) throw new Error(`There is no stage ${from}.`)
    return cpSync(inside(other, source), to, { recursive: true })
  }
  // What git knows, and what is not ignored: .dockerignore leaves out the same.
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
  })
  for (const file of files.toString().split('\0').filter(Boolean)) cpSync(join(repository, file), join(to, file))
}

function inside(stage: Stage, path: string): string {
  return join(stage.folder, path)
}

/** A command whose absolute paths lead into the stage. */
function mapped(stage: Stage, command: string): string {
  return command.replaceAll(/(^|\s)(\/(?:src|app|packed|data|workspace)\b)/g, `$1${stage.folder}$2`)
}

function environment(stage: Stage): NodeJS.ProcessEnv {
  // Without what npm has set for this script, and without the programs of this clone.
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)))
  return { ...own, ...stage.env, PATH: [join(root, 'bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(':') }
}

async function tryImage(stage: Stage): Promise<void> {
  const port = await freePort()
  const at = (text: string): string => mapped(stage, text.replaceAll('8080', String(port)))
  cpSync(join(repository, 'examples'), inside(stage, '/workspace'), {
    recursive: true,
    filter: (path) => !path.endsWith('.streamstack'),
  })
  // Their flights are in a package of this clone.
  rmSync(inside(stage, '/workspace/tables/flights.yaml'))
  for (const file of ['flights.json', 'find-flights.yaml']) rmSync(inside(stage, `/workspace/endpoints/${file}`))
  const [program = '', ...args] = [...stage.entrypoint, ...stage.command].map(at)
  const env = environment(stage)
  const server = spawn(program, args, {
    cwd: inside(stage, stage.workdir),
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  try {
    await healthy(stage.health.map(at), env, server)
    const poem = await (await fetch(`http://127.0.0.1:${port}/api/orders-report?format=lines`)).text()
    if (!poem.endsWith('[DONE]\n')) throw new Error(`The stream is not complete:\n${poem}`)
    const exited = once(server, 'exit')
    server.kill('SIGTERM')
    const [code] = (await exited) as [number | null]
    if (code !== 0) throw new Error(`After SIGTERM the server ended with ${code}.`)
  } finally {
    server.kill('SIGKILL')
  }
}

async function healthy([program = '', ...args]: string[], env: NodeJS.ProcessEnv, server: ChildProcess): Promise<void> {
  for (let tries = 0; tries < STARTED_TRIES && server.exitCode === null; tries++) {
    const [code] = (await once(spawn(program, args, { env, stdio: 'ignore' }), 'exit')) as [number | null]
    if (code === 0) return
    await new Promise((resolve) => setTimeout(resolve, TRY_MS))
  }
  throw new Error('The health check never passed.')
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  return port
}
