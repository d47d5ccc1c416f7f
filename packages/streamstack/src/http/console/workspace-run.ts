import type { Value } from '@streamstack/protocol'
import { isSecretName } from '../../content/index.ts'
import type { RunView } from '../../engine/index.ts'
import { describeRun } from '../run-list.ts'

/** A run as the console opens it: what callers may know of it, its inputs, and when its chunks came. */
export function describeWorkspaceRun(run: RunView): object {
  const inputs = run.inputs === null ? null : withoutSecrets(run.inputs)
  return {
    ...describeRun(run),
    inputs: inputs?.shown ?? null,
    hidden_inputs: inputs?.hidden ?? [],
    times: run.times,
  }
}

/** Inputs by name; `hidden` are those whose names say that they are secrets. */
function withoutSecrets(inputs: Readonly<Record<string, Value>>): {
  shown: Record<string, Value>
  hidden: readonly string[]
} {
  const entries = Object.entries(inputs)
  return {
    shown: Object.fromEntries(entries.filter(([name]) => !isSecretName(name))),
    hidden: entries.map(([name]) => name).filter((name) => isSecretName(name)),
  }
}
