import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { failureOf } from './check.ts'
import type { Observed } from './observed.ts'
import { observeCall } from './observe-call.ts'
import { type TestContext, callerHeaders, playUpstreams } from './test-context.ts'
import { gapInOffsets } from './sentences.ts'
import type { Fault, TestCase } from './test-case.ts'

interface FaultResult {
  readonly name: string
  readonly messages: readonly { readonly title: string | null; readonly message: string }[]
}

/** Time limit for a restarted server to find the run again. */
const RESUME_TRIES = 50
const POLL_MS = 10

/** Makes the call once more, under a fault, and checks what must still hold. */
export async function callUnderFault(test: TestCase, fault: Fault, context: TestContext): Promise<FaultResult> {
  try {
    playUpstreams(test, context)
    switch (fault.kind) {
      case 'cut':
        return await cut(test, fault.afterChunks, context)
      case 'leave':
        return await leave(test, fault, context)
      case 'slow':
        return await slow(test, fault.bytesPerSecond, context)
      case 'restart':
        return await restart(test, fault.afterChunks, context)
    }
  } catch (error) {
    return { name: fault.kind, messages: [{ title: null, message: (error as Error).message }] }
  }
}

function chunkCount(count: number): string {
  return `${count} ${count === 1 ? 'chunk' : 'chunks'}`
}

/** The connection breaks, the reader resumes: together it must be what an unbroken reader gets. */
async function cut(test: TestCase, afterChunks: number, context: TestContext): Promise<FaultResult> {
  const name = `cut after ${chunkCount(afterChunks)} and resumed`
  const first = await firstPart(test, afterChunks, context)
  const rest = await resume(test, first, context)
  const whole = joined(first, rest)
  return { name, messages: [...offsetMessages(whole), ...checkMessages(test, whole)] }
}

/** The caller disconnects: the run and its requests to upstreams end. */
async function leave(
  test: TestCase,
  { afterChunks, withinMs }: Extract<Fault, { kind: 'leave' }>,
  context: TestContext,
): Promise<FaultResult> {
  const name = `left after ${chunkCount(afterChunks)}`
  const headers = await callerHeaders(test, context.server)
  const observed = await observeCall(test.request, {
    url: context.server.url,
    headers,
    timeoutMs: test.timeoutMs,
    leaves: (chunks) => chunks >= afterChunks,
  })
  const messages: { title: string | null; message: string }[] = []
  if (observed.chunks.length < afterChunks)
    messages.push({ title: null, message: `Only ${chunkCount(observed.chunks.length)} came.` })
  const isOver = async (): Promise<boolean> =>
    [...context.upstreams.values()].every(({ isBusy }) => !isBusy) &&
    (await outcomeOf(observed.run, headers, context)) !== 'running'
  const left = performance.now()
  while (!(await isOver())) {
    if (performance.now() - left > withinMs) {
      const message = `The run, or a request of it to an upstream, still goes on ${withinMs} ms after its caller left.`
      messages.push({ title: 'leave', message })
      break
    }
    await pause(POLL_MS)
  }
  return { name, messages }
}

async function slow(test: TestCase, bytesPerSecond: number, context: TestContext): Promise<FaultResult> {
  const observed = await observeCall(test.request, {
    url: context.server.url,
    headers: await callerHeaders(test, context.server),
    timeoutMs: test.timeoutMs,
    bytesPerSecond,
  })
  return {
    name: `read at ${bytesPerSecond} bytes/s`,
    messages: [...offsetMessages(observed), ...checkMessages(test, observed)],
  }
}

/** The server is killed and started again: what was read stays, and the stream ends as what it is. */
async function restart(test: TestCase, afterChunks: number, context: TestContext): Promise<FaultResult> {
  const name = `server killed after ${chunkCount(afterChunks)} and started again`
  const { own } = context
  if (own === null)
    return { name, messages: [{ title: null, message: 'Only a server that the runner started can be restarted.' }] }
  const first = await firstPart(test, afterChunks, context)
  await own.kill()
  await own.start()
  const rest = await resume(test, first, context)
  const whole = joined(first, rest)
  const messages = offsetMessages(whole)
  if (rest.outcome === null) {
    const why = rest.error?.message ?? rest.broken ?? 'it was not there'
    messages.push({ title: null, message: `The stream of the run could not be read to its end: ${why}` })
  }
  return { name, messages }
}

/**
 * Reads until the connection is broken. The call carries an Idempotency-Key, so that the server
 * keeps its run for the resuming reader.
 */
async function firstPart(test: TestCase, afterChunks: number, context: TestContext): Promise<Observed> {
  const first = await observeCall(test.request, {
    url: context.server.url,
    headers: { ...(await callerHeaders(test, context.server)), 'Idempotency-Key': randomUUID() },
    timeoutMs: test.timeoutMs,
    leaves: (chunks) => chunks >= afterChunks,
  })
  if (first.run === null) throw new Error(`There is no run to resume: the status is ${first.status ?? 'missing'}.`)
  return first
}

async function resume(test: TestCase, first: Observed, context: TestContext): Promise<Observed> {
  const after = first.chunks.at(-1)?.offset ?? 0
  let rest: Observed | null = null
  for (let tries = 0; tries < RESUME_TRIES; tries++) {
    rest = await observeCall(
      { ...test.request, method: 'GET', body: null, path: `/v1/stream/runs/${first.run ?? ''}` },
      {
        url: context.server.url,
        headers: { ...(await callerHeaders(test, context.server)), 'Last-Event-ID': String(after) },
        timeoutMs: test.timeoutMs,
        startMs: performance.now() - first.totalMs,
      },
    )
    if (rest.status !== null) return rest
    await pause(POLL_MS)
  }
  return rest as Observed
}

function joined(first: Observed, rest: Observed): Observed {
  return {
    ...rest,
    status: first.status,
    headers: first.headers,
    chunks: [...first.chunks, ...rest.chunks],
    error: rest.error === null ? null : { ...rest.error, afterChunks: rest.error.afterChunks + first.chunks.length },
    run: first.run,
  }
}

function offsetMessages(observed: Observed): { title: string | null; message: string }[] {
  const problem = gapInOffsets(observed)
  return problem === null ? [] : [{ title: 'offsets', message: problem }]
}

/** The expectations of the case, without its times. */
function checkMessages(test: TestCase, observed: Observed): { title: string | null; message: string }[] {
  return test.checks.flatMap((check) => {
    if (check.judge.kind === 'median') return []
    const message = failureOf(check, [observed])
    return message === null ? [] : [{ title: check.title, message }]
  })
}

/** `running`, or how the run ended. */
async function outcomeOf(
  run: string | null,
  headers: Readonly<Record<string, string>>,
  context: TestContext,
): Promise<string> {
  if (run === null) return 'unknown'
  const answer = await fetch(new URL(`/v1/runs/${run}`, context.server.url), { headers })
  const { outcome = null } = (await answer.json()) as { outcome?: string | null }
  return outcome ?? (answer.ok ? 'running' : 'unknown')
}
