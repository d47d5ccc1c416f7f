import { literalText } from '../../definition/index.ts'
import type { StepNode } from '../../definition/types.ts'
import { type TableDeclaration, allowsNothing } from '../../table/index.ts'
import type { Fault } from '../finding.ts'
import { type ReviewSubject, type ReviewedEndpoint, reviewedEndpoints, stepPlace } from '../subject.ts'

/** Columns whose names say that they are about a person or a secret. */
const PERSONAL =
  /(?:^|_)(?:e?mail|phone|mobile|password|passwd|secret|token|api_?key|address|street|birth\w*|ssn|iban|card\w*|salary|ip)(?:_|$)/i

/** Columns that say whose a record is. */
const OWNER = /^(?:owner|user|account|customer|member|tenant|author|created_by|sub)(?:_id)?$/i

type Act = 'read' | 'add' | 'edit' | 'delete'

/** What functions do with a table. */
const ACTS: Readonly<Record<string, Act | undefined>> = {
  'Get Records': 'read',
  'Get Record': 'read',
  'Count Records': 'read',
  'Add Record': 'add',
  'Edit Record': 'edit',
  'Delete Record': 'delete',
}

/** Tables whose records callers read or change without a rule for which of them. */
export function tableReads(subject: ReviewSubject): readonly Fault[] {
  const tables = new Map(subject.workspace.tables.map((table) => [table.name, table]))
  return reviewedEndpoints(subject).flatMap((reviewed) =>
    reviewed.steps.flatMap((step): Fault[] => {
      const act = ACTS[step.function]
      const table = tables.get(literalText(step.parameters['table']))
      if (act === undefined || table === undefined) return []
      if (table.rules !== null && table.rules[act] !== 'all') return shutOut(reviewed, table, act, stepPlace(step))
      if (act === 'add' || step.function === 'Count Records') return []
      const asked = step.parameters['columns']?.value
      const columns = table.columns.filter(({ name, private: isPrivate }) =>
        Array.isArray(asked) ? asked.includes(name) : !isPrivate,
      )
      const filters = JSON.stringify([step.parameters['where']?.value ?? '', step.parameters['value']?.value ?? ''])
      const names =
        act === 'read'
          ? columns.map(({ name }) => name).filter((name) => !isOnlyVerified(step, name, reviewed.steps))
          : []
      return faultOf(reviewed, table, stepPlace(step), { act, names, filters })
    }),
  )
}

/** Whether a column that a step reads goes into Verify Password and nowhere else, as in a login. */
function isOnlyVerified(read: StepNode, column: string, steps: readonly StepNode[]): boolean {
  if (read.as === null || !/^[\w$]+$/.test(read.as)) return false
  const use = new RegExp(String.raw`(?<![\w$.])${RegExp.escape(read.as)}(?![\w$])(?:\??\.(\w+))?`, 'g')
  let isVerified = false
  for (const step of steps) {
    for (const [parameter, { value }] of Object.entries(step.parameters)) {
      for (const [, member] of JSON.stringify(value).matchAll(use)) {
        const isHash = step.function === 'Verify Password' && parameter === 'hash' && member === column
        if (isHash) isVerified = true
        else if (member === undefined || member === column) return false
      }
    }
  }
  return isVerified
}

/** Callers without a token have no claims, so a rule about claims leaves them nothing. */
function shutOut({ endpoint, route }: ReviewedEndpoint, table: TableDeclaration, act: Act, place: string): Fault[] {
  if (endpoint.access.authentication || !allowsNothing(table, act)) return []
  return [
    {
      severity: 'low',
      position: endpoint.position,
      message: `${route} reads no token, so \`allow\` of table "${table.name}" lets it ${act} nothing (${place}).`,
      cure: 'Set `authentication: true`, or allow callers without a token something.',
    },
  ]
}

function faultOf(
  { endpoint, isOpen, route }: ReviewedEndpoint,
  table: TableDeclaration,
  place: string,
  { act, names, filters }: { act: Act; names: readonly string[]; filters: string },
): Fault[] {
  const personal = names.filter((name) => PERSONAL.test(name))
  if (isOpen && personal.length > 0) {
    return [
      {
        severity: 'high',
        position: endpoint.position,
        message: `Anyone may call ${route}, and it reads ${personal.join(', ')} of table "${table.name}" (${place}).`,
        cure: `Set \`authentication: true\`, name other \`columns\` on the step, or mark them \`private: true\` in ${table.position.file}.`,
      },
    ]
  }
  const owner = table.columns.find(({ name }) => OWNER.test(name))?.name
  const { access, allow } = endpoint
  const isForSome = access.roles.length > 0 || access.scopes.length > 0 || allow !== null
  if (isOpen || isForSome || owner === undefined || /\bauth\b/.test(filters)) return []
  return [
    {
      severity: 'medium',
      position: endpoint.position,
      message: `Every caller of ${route} may ${act} the records of all others: neither the step nor the table "${table.name}" distinguishes the callers (${place}).`,
      cure: `Add \`allow: '${owner} == {{auth.sub}}'\` to ${table.position.file}, or \`roles\` to the endpoint.`,
    },
  ]
}
