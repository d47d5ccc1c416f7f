import type { Value } from '@streamstack/protocol'
import type { Position, TreeNode } from '../definition/index.ts'
import type { Environment } from './dotenv.ts'

/** Where and why a setting could not be resolved. */
export type ReportFault = (position: Position, message: string) => void

/**
 * The plain data of a settings file with every `{{env.NAME}}` replaced. A key without a value counts as not set, except
 * inside `variables`, where null is a value. What was replaced is never read as an expression again.
 */
export function resolveSettings(
  tree: TreeNode,
  declared: ReadonlySet<string>,
  environment: Environment,
  report: ReportFault,
): Value {
  const resolveText = (text: string, position: Position): string =>
    text.replace(/\{\{(.*?)\}\}/gs, (whole, source: string) => {
      const name = /^\s*env\.([A-Za-z_]\w*)\s*$/.exec(source)?.[1]
      if (name === undefined) {
        report(position, `Settings can hold {{env.NAME}} only, not ${whole}.`)
      } else if (!declared.has(name)) {
        report(position, `{{env.${name}}} is not declared; add ${name} to the list \`env\`.`)
      } else if (environment[name] === undefined) {
        report(position, `{{env.${name}}} has no value; set ${name} in .env or in the environment.`)
      }
      return name === undefined ? '' : (environment[name] ?? '')
    })
  const resolve = (node: TreeNode, keepNull: boolean): Value => {
    if (node.items !== undefined) return node.items.map((item) => resolve(item, keepNull))
    if (node.entries !== undefined) {
      const entries = node.entries
        .filter((entry) => keepNull || entry.node.value !== null)
        .map((entry): [string, Value] => [entry.key, resolve(entry.node, keepNull || entry.key === 'variables')])
      return Object.fromEntries(entries)
    }
    return typeof node.value === 'string' ? resolveText(node.value, node.position) : node.value
  }
  return resolve(tree, false)
}
