import type { Dashboard } from '@streamstack/protocol'
import { type Issue, type Position, type TreeNode, quote } from '../definition/index.ts'
import { DashboardReader } from './dashboard-reader.ts'
import type { KnownSources } from './source.ts'

/** A file of `dashboards/`, checked and complete. */
export interface DashboardDefinition {
  readonly name: string
  readonly file: string
  /** Whether every caller may read the description; else only callers that may read the server's own streams. */
  readonly isPublic: boolean
  readonly description: Dashboard
  readonly position: Position
}

const KEYS = ['title', 'description', 'access', 'components', 'streaming_logic']
const ROOT = 'real_time_dashboard'

/**
 * Reads a file of `dashboards/`: the words of a dashboard become its description. The block may stand under `real_time_dashboard`, or by itself. Null: it has a fault.
 */
export function readDashboard(
  file: string,
  tree: TreeNode,
  known: KnownSources,
): { readonly dashboard: DashboardDefinition | null; readonly issues: readonly Issue[] } {
  const reader = new DashboardReader(known)
  const root = tree.entries?.find(({ key }) => key === ROOT)
  const block = root?.node ?? tree
  if (root !== undefined) reader.entries(tree, 'A dashboard', [ROOT])
  const entries = reader.entries(block, 'A dashboard', root === undefined ? [...KEYS, ROOT] : KEYS)
  const components = entries?.get('components')?.node
  if (entries !== null && components === undefined)
    reader.error(
      block.position,
      'A dashboard must have `components`, a list such as [{ component: Metric Cards, metrics: [Active users] }].',
    )
  const widgets = components === undefined ? [] : reader.components(components)
  const logic = entries?.get('streaming_logic')?.node
  if (logic !== undefined) reader.logic(logic)
  const access = entries?.get('access')?.node
  if (access !== undefined && access.value !== 'public')
    reader.error(access.position, `\`access\` must be public, or be left out; it is ${quote(access.value)}.`)
  const name = nameOfFile(file)
  if (!/^[\w-]+$/.test(name))
    reader.error(
      tree.position,
      `A dashboard's file must have a name of letters, digits, _ and -, for its address; it is ${quote(name)}.`,
    )
  if (reader.issues.some(({ severity }) => severity === 'error')) return { dashboard: null, issues: reader.issues }
  const text = (key: string): string | null => {
    const value = entries?.get(key)?.node.value
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : null
  }
  const description: Dashboard = { title: text('title') ?? titleOf(name), description: text('description'), widgets }
  return {
    dashboard: Object.freeze({ name, file, isPublic: access !== undefined, description, position: tree.position }),
    issues: reader.issues,
  }
}

/** `main` for `dashboards/main.json`. */
function nameOfFile(file: string): string {
  return file.replace(/^dashboards\//, '').replace(/\.[^.]+$/, '')
}

function titleOf(name: string): string {
  const words = name.replace(/[_-]+/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
