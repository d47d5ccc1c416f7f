import type { Issue, TreeNode } from '../definition/types.ts'
import { didYouMean } from '../text/did-you-mean.ts'
import type { PlanContext } from './plan-context.ts'
import { textsOf } from './steps.ts'

/**
 * Problems of the environment names that a value reads: `env.NAME` must be listed in the settings, and `env` as a whole, which would show every
 * value at once, is refused.
 */
export function checkEnv(tree: TreeNode, env: PlanContext['env']): Issue[] {
  const issues: Issue[] = []
  for (const { value, position } of textsOf(tree)) {
    if (!value.includes('{{')) continue
    for (const [, , name] of value.matchAll(/(?<![\w$.])env(\??\.\s*([A-Za-z_$][\w$]*))?(?![\w$])/g)) {
      const problem = problemOf(name, env)
      if (problem !== null) issues.push({ ...problem, position })
    }
  }
  return issues
}

function problemOf(name: string | undefined, env: PlanContext['env']): Pick<Issue, 'severity' | 'message'> | null {
  if (name === undefined) {
    const message = 'Read single values of the environment, as {{env.NAME}}; `env` as a whole is not to be had.'
    return { severity: 'error', message }
  }
  if (!Object.hasOwn(env, name)) {
    const guess = didYouMean(name, Object.keys(env))
    const cure = guess === null ? "Add it to the list 'env' in streamstack.yaml." : `Did you mean '${guess}'?`
    return { severity: 'error', message: `The environment name '${name}' is not listed in the settings. ${cure}` }
  }
  if (env[name] !== null) return null
  return { severity: 'warning', message: `The environment name '${name}' is not set: put it into .env.` }
}
