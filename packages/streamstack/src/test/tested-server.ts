import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TokenSettings, makeToken, ownSigner } from '../access/index.ts'
import type { Value } from '@streamstack/protocol'
import { plainText } from './plain-text.ts'
import type { EndpointCoverage } from './coverage.ts'
import type { RecordedAnswer } from './recorded-answers.ts'
import type { ChildMessage, ParentMessage } from './child-messages.ts'

/** The server under test. */
export interface TestedServer {
  readonly url: string
  /** A token for claims. Throws when the server's secret is not known. */
  token(claims: Readonly<Record<string, Value>>): Promise<string>
  /** Resident bytes after a collection; null: it is not the runner's own server. */
  memoryBytes(): Promise<number | null>
}

const TOKEN_SECONDS = 3_600

/** Serves a workspace in a process of its own, with an empty data folder. */
export class OwnServer implements TestedServer {
  url = ''
  readonly #dir: string
  readonly #rewrite: Readonly<Record<string, string>>
  readonly #records: boolean
  readonly #data = mkdtempSync(join(tmpdir(), 'streamstack-test-'))
  #child: ChildProcess | null = null
  #jwt: readonly TokenSettings[] = []

  /** `rewrite`: origins of upstreams to where they are played. `records`: whether the answers of upstreams are recorded. */
  constructor(dir: string, rewrite: Readonly<Record<string, string>>, records = false) {
    this.#dir = dir
    this.#rewrite = rewrite
    this.#records = records
  }

  /** Starts it, or starts it again on the same port and data. Throws Error when the workspace cannot be served. */
  async start(): Promise<void> {
    const file = import.meta.url.endsWith('.ts') ? './server-child.ts' : './server-child.js'
    const child = fork(new URL(file, import.meta.url), [], {
      execArgv: [...process.execArgv, '--expose-gc', '--no-allocation-site-pretenuring'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child = child
    const port = this.url === '' ? 0 : Number(new URL(this.url).port)
    const start: ParentMessage = {
      type: 'start',
      dir: this.#dir,
      data: this.#data,
      port,
      rewrite: this.#rewrite,
      records: this.#records,
    }
    const started = await this.#ask(start, ['started', 'failed'])
    if (started.type === 'failed') throw new Error(started.message)
    if (started.type !== 'started') return
    this.url = started.url
    this.#jwt = started.jwt
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.#data, { recursive: true, force: true })
  }

  async memoryBytes(): Promise<number | null> {
    const answer = await this.#ask({ type: 'memory' }, ['memory'])
    return answer.type === 'memory' ? answer.bytes : null
  }

  async coverage(): Promise<readonly EndpointCoverage[]> {
    const answer = await this.#ask({ type: 'coverage' }, ['coverage'])
    return answer.type === 'coverage' ? answer.endpoints : []
  }

  /** The answers of upstreams so far. Throws Error where one is too long to record. */
  async recorded(): Promise<readonly RecordedAnswer[]> {
    const answer = await this.#ask({ type: 'recorded' }, ['recorded', 'failed'])
    if (answer.type === 'failed') throw new Error(answer.message)
    return answer.type === 'recorded' ? answer.answers : []
  }

  async token(claims: Readonly<Record<string, Value>>): Promise<string> {
    return await tokenFor(this.#jwt, claims)
  }

  async #ask(message: ParentMessage, answers: readonly ChildMessage['type'][]): Promise<ChildMessage> {
    const child = this.#child as ChildProcess
    return await new Promise<ChildMessage>((resolve, reject) => {
      const take = (answer: ChildMessage): void => {
        if (!answers.includes(answer.type)) return
        leave()
        resolve(answer)
      }
      const fail = (): void => {
        leave()
        reject(new Error('The server of the tests has ended.'))
      }
      const leave = (): void => {
        child.off('message', take)
        child.off('exit', fail)
      }
      child.on('message', take)
      child.on('exit', fail)
      child.send(message)
    })
  }
}

/** Signs a token as `streamstack token` does. */
export async function tokenFor(
  jwt: readonly TokenSettings[],
  claims: Readonly<Record<string, Value>>,
): Promise<string> {
  const signer = ownSigner(jwt)
  if (signer === null) {
    throw new Error('A test has a `caller`, and the settings have no `auth.jwt.secret` to sign its token with.')
  }
  const { sub, roles, ...others } = claims
  return await makeToken({
    ...signer,
    sub: plainText(sub, 'tester'),
    roles: [roles ?? []].flat().map(String),
    expiresSeconds: TOKEN_SECONDS,
    claims: others,
  })
}
