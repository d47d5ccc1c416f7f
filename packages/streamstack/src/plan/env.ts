import type { Value } from '@streamstack/protocol'
import type { Binding, Reference } from '../expression/index.ts'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'

/** Values of the environment names that the settings list; null: listed but not set. */
export type Env = Readonly<Record<string, string | null>>

/** `env` in expressions. Only single names can be read, because the whole would show every value at once. */
export function envBinding(env: Env): Binding<unknown> {
  return {
    kind: 'members',
    values: env satisfies Readonly<Record<string, Value>>,
    problem(name) {
      if (name === null) {
        return 'Read single values of the environment, as {{env.NAME}}; `env` as a whole cannot be read.'
      }
      const guess = didYouMean(name, Object.keys(env))
      const cure = didYouMeanOr(guess, "Add it to the list 'env' in streamstack.yaml.")
      return `The environment name '${name}' is not listed in the settings. ${cure}`
    },
  }
}

/** The environment names that expressions read and that have no value. */
export function unsetNames(references: readonly Reference[], env: Env): readonly string[] {
  return references.flatMap(({ name, member }) =>
    name === 'env' && member !== undefined && Object.hasOwn(env, member) && env[member] === null ? [member] : [],
  )
}
