import { StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import type { Engine, RunView } from '../engine/index.ts'
import { after } from '../storage/index.ts'
import { RunReading } from './reader/run-reading.ts'

/**
 * The run that has an id, for the caller that started it; one without an owner for every caller that knows the id.
 *
 * A run of another owner looks exactly like one that does not exist: `run_unknown`, or, for a token that is not accepted, what is wrong with that.
 */
export function ownedRun({ runs }: Engine, id: string, caller: Caller): RunView | Promise<RunView> {
  return after(runs.get(id), (run) => found(run, caller, (one) => isOwnRun(one, caller)))
}

/** The same for a caller that only reads: `allow_read` of the endpoint may let others read as well. */
export function readableRun(engine: Engine, id: string, caller: Caller): RunView | Promise<RunView> {
  return after(engine.runs.get(id), (run) => found(run, caller, (one) => mayRead(engine, one, caller)))
}

/** A run for the readers of a caller that `readableRun` has let in; null: it has no owner, and needs no guard. */
export function readingOf(engine: Engine, run: RunView, caller: Caller): RunReading | null {
  if (run.owner === null) return null
  const endsWithToken = engine.settings.auth.onExpiry === 'end'
  if (isOwnRun(run, caller)) return new RunReading(run, caller, endsWithToken)
  return new RunReading(run, caller, endsWithToken, (renewed) => {
    if (!mayRead(engine, run, renewed)) throw unknownRun(new OtherOwner())
  })
}

/** Whether a caller may read a run that has an owner, by the current definitions and claims. */
function mayRead(engine: Engine, run: RunView, caller: Caller): boolean {
  if (isOwnRun(run, caller)) return true
  const plan = [...engine.workspace.plans.values()].find(({ endpoint }) => endpoint.name === run.endpoint)
  const rule = plan?.readRule ?? null
  if (rule === null || run.owner === null || caller.claims === null) return false
  try {
    return rule.evaluate({ auth: caller.claims, owner: run.owner.subject }) === true
  } catch (err) {
    engine.log.warn({ endpoint: run.endpoint, err }, '`allow_read` of an endpoint failed and refuses a reader')
    return false
  }
}

/** Whether a run is the caller's own. A run without an owner belongs to no caller. */
export function isOwnRun({ owner }: RunView, { subject }: Caller): boolean {
  return owner !== null && owner.subject === subject
}

function found(run: RunView | undefined, caller: Caller, isAllowed: (run: RunView) => boolean): RunView {
  if (run?.owner === null) return run
  if (caller.fault !== null) throw caller.fault
  if (run === undefined) throw unknownRun()
  if (!isAllowed(run)) throw unknownRun(new OtherOwner())
  return run
}

/** Why a run is said not to be there, for the audit. Callers never see a cause. */
export class OtherOwner extends Error {
  override readonly message = 'The run belongs to another subject.'
}

export function unknownRun(cause?: OtherOwner): StreamstackError {
  return new StreamstackError(
    'run_unknown',
    'There is no such run, or it has expired. A run that a token started can be read with a token of that subject only.',
    { cause },
  )
}
