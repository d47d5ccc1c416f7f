import { StreamstackError } from '@streamstack/protocol'
import type { Engine, RunOwner, RunView } from '../engine/index.ts'

/** The run that has an id, whoever may read it. Throws `run_unknown`. */
export function knownRun({ runs }: Engine, id: string): RunView {
  const run = runs.get(id)
  if (run === undefined) throw unknownRun()
  return run
}

/** Lets whoever started a run pass; to others it looks like one that does not exist. Throws `run_unknown`. */
export function checkOwner({ owner }: RunView, caller: RunOwner): void {
  if (owner !== null && owner.subject !== caller?.subject) throw unknownRun()
}

export function unknownRun(): StreamstackError {
  return new StreamstackError('run_unknown', 'There is no such run, or it has expired. Start a new one.')
}
