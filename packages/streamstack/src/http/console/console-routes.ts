import { StreamstackError } from '@streamstack/protocol'
import { type Caller, makeToken, ownSigner } from '../../access/index.ts'
import { chooseFormat } from '../../format/index.ts'
import { parseBody, readBody } from '../../input/index.ts'
import type { RunOwner } from '../../engine/index.ts'
import { answerWhole } from '../answer/answer-whole.ts'
import { isProtocolRead } from '../durable-streams/index.ts'
import { readByProtocol } from '../reader/read-by-protocol.ts'
import type { Operation } from '../route.ts'
import { runFilter, runPage } from '../run-list.ts'
import { startPosition } from '../reader/start-position.ts'
import { answerStream } from '../reader/stream-answer.ts'
import { consoleFile } from './console-files.ts'
import { unknownRun } from '../run-access.ts'
import { describeWorkspace } from './describe-workspace.ts'
import { describeWorkspaceRun } from './workspace-run.ts'

/** A token for trying lasts so long. */
const TOKEN_SECONDS = 8 * 3_600

const BODY_BYTES_MAX = 16_384

/** Whom tokens for trying name. */
const DEVELOPER = { subject: 'developer' } as const

/** What the page may load and do: its own files and this server, no inline script, no frame around it. */
const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

export const readWorkspace: Operation = {
  summary:
    'Describes the workspace: endpoints with inputs and stacks, tables, channels, functions, problems of its files.',
  answers: 'whole',
  handle(exchange) {
    answerWhole(exchange, { body: JSON.stringify(describeWorkspace(exchange.engine)) })
  },
}

/**
 * Lists runs only for callers that may use the console, because the id alone grants access to a run
 * without an owner.
 */
export const listWorkspaceRuns: Operation = {
  summary: 'Lists runs that have no owner and those of the caller, the newest first.',
  answers: 'whole',
  async handle(exchange) {
    const { engine, inputs, caller } = exchange
    const filter = runFilter(inputs)
    const owners: RunOwner[] = [null, caller.subject === null ? DEVELOPER : { subject: caller.subject }]
    const pages = await Promise.all(owners.map((owner) => runPage(engine.runs, owner, filter)))
    const runs = pages
      .flatMap((page) => page.runs)
      .toSorted((one, other) => (one.id < other.id ? 1 : -1))
      .slice(0, filter.limit)
    answerWhole(exchange, {
      body: JSON.stringify({ runs, next_cursor: runs.length < filter.limit ? null : (runs.at(-1)?.id ?? null) }),
    })
  },
}

export const showWorkspaceRun: Operation = {
  summary: "Describes a run that has no owner or is the caller's own: inputs, outcome, times of its chunks.",
  answers: 'whole',
  async handle(exchange) {
    const { engine, parameters, caller } = exchange
    const run = await engine.runs.get(parameters['id'] ?? '')
    if (run === undefined || !isShown(run.owner, caller)) throw unknownRun()
    answerWhole(exchange, { body: JSON.stringify(describeWorkspaceRun(run)) })
  },
}

/** Whether the console shows a run to a caller: one without an owner, or its own. */
function isShown(owner: RunOwner, { subject }: Caller): boolean {
  return owner === null || owner.subject === (subject ?? DEVELOPER.subject)
}

/**
 * Makes tokens in `streamstack dev` only: a caller that can reach it can read its secret as well.
 */
export const makeDeveloperToken: Operation = {
  summary: 'Makes a token for trying, in `streamstack dev`: `{sub, roles}`.',
  answers: 'whole',
  async handle(exchange) {
    const { engine, request } = exchange
    const signer = ownSigner(engine.settings.auth.jwt)
    if (engine.mode !== 'dev' || signer === null) {
      throw new StreamstackError(
        'endpoint_unknown',
        'Tokens are made by `streamstack dev`, with a secret in `auth.jwt`, alone.',
      )
    }
    const body = parseBody(await readBody(request, BODY_BYTES_MAX), request.headers['content-type'])
    const { sub = 'developer', roles = [] } = body instanceof URLSearchParams ? {} : body
    const token = await makeToken({
      ...signer,
      sub: typeof sub === 'string' ? sub : 'developer',
      roles: Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [],
      expiresSeconds: TOKEN_SECONDS,
    })
    answerWhole(exchange, { body: JSON.stringify({ token }) })
  },
}

/** The run must have been called with `Stream-Trace: true`. */
export const readTrace: Operation = {
  summary:
    'Reads which steps of a run began and ended. The run was called with `Stream-Trace: true`, or with `Stream-Trace: variables` for its variables at each step, secrets hidden.',
  answers: 'stream',
  handle(exchange) {
    const { engine, parameters, request, response, query, heartbeat, corsHeaders, caller } = exchange
    const trace = engine.runs.traces.find(parameters['id'] ?? '')
    if (trace === null || !isShown(trace.owner, caller)) {
      throw new StreamstackError(
        'run_unknown',
        'There is no trace of this run. Call it with the header Stream-Trace: true.',
      )
    }
    if (isProtocolRead(request, query)) return readByProtocol(exchange, trace, null)
    const reader = answerStream({
      engine,
      source: trace,
      response,
      format: chooseFormat({ asked: query.get('format'), accept: request.headers.accept }),
      metadata: false,
      kinds: undefined,
      position: startPosition(trace, request, query),
      headers: corsHeaders,
      heartbeat,
    })
    reader.begin()
  },
}

export const showConsole: Operation = {
  summary: 'The built-in console, a page.',
  answers: 'whole',
  handle(exchange) {
    const { engine, parameters, request, response, corsHeaders, path } = exchange
    if (!engine.access.hasConsole) {
      throw new StreamstackError(
        'endpoint_unknown',
        'The console is off. `console.access` in streamstack.yaml names who may use it.',
      )
    }
    // Its files are named relative to it.
    if (path === '/console') {
      response.writeHead(308, { ...corsHeaders, Location: 'console/', 'Content-Length': 0 })
      response.end()
      return
    }
    const file = consoleFile(parameters['*'] ?? '')
    if (file === null) throw new StreamstackError('endpoint_unknown', 'The console has no such file.')
    const isKnown = request.headers['if-none-match'] === file.tag
    response.writeHead(isKnown ? 304 : 200, {
      ...PAGE_HEADERS,
      ...corsHeaders,
      'Content-Type': file.type,
      'Cache-Control': 'no-cache',
      ETag: file.tag,
      ...(isKnown ? {} : { 'Content-Length': file.bytes.length }),
    })
    response.end(isKnown || request.method === 'HEAD' ? undefined : file.bytes)
  },
}
