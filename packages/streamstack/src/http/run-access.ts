import { StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import type { Engine, RunView } from '../engine/index.ts'
import { after } from '../storage/index.ts'

/**
 * The run that has an id, for the caller that started it; one without an owner for everybody who knows the id.
 *
 * A run of somebody else looks exactly like one that does not exist: `run_unknown`, or, for a token that is not accepted, what is wrong with that.
 */
export function ownedRun({ runs }: Engine, id: string, caller: Caller): RunView | Promise<RunView> {
  return after(runs.get(id), (run) => {
    if (run?.owner === null) return run
    if (caller.fault !== null) throw caller.fault
    if (run === undefined) throw unknownRun()
    if (run.owner.subject !== caller.subject) throw unknownRun(new OtherOwner())
    return run
  })
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
