import type { Observation } from '../observe/index.ts'
import type { Logger } from '../run/index.ts'
import type { LiveRun } from './live-run.ts'

/** Counts the end of a run in the metrics and the activity. */
export function observeEnd(
  observation: Observation,
  { execution, owner, endpoint, route, run, stream, failure }: LiveRun,
): void {
  observation.runEnded({
    endpoint,
    route,
    caller: owner?.subject ?? null,
    // Any caller that knows the id of a run without an owner may read it: the log must not name it.
    run: owner === null ? null : run,
    outcome: stream.end?.outcome ?? 'abandoned',
    // Once an answer has begun, its status is out.
    status: failure === null || execution.headersSent ? 200 : failure.status,
    code: stream.end?.error?.code ?? null,
    durationMs: execution.elapsedMs(),
    chunks: execution.chunksSent,
    bytes: execution.bytesSent,
    usage: execution.state.usage,
  })
}

/** Logs why a run failed; nothing for one that did not. */
export function logFailure(log: Logger, { execution, endpoint, stream }: LiveRun): void {
  const { failure } = execution
  if (failure === null) return
  const fields = {
    run: execution.id,
    endpoint,
    code: failure.code,
    step: execution.failedStep?.id,
    place: execution.failedStep === null ? undefined : placeText(execution.failedStep.position),
    ...(failure.cause === undefined ? {} : { err: failure.cause }),
  }
  if (stream.end?.outcome === 'cancelled') log.debug(fields, 'a run was cancelled')
  else log.warn(fields, `a run failed: ${failure.message}`)
}

function placeText({ file, line, column }: { file: string; line: number; column: number }): string {
  return `${file}:${line}:${column}`
}
