import { literalText } from '../../definition/index.ts'
import type { TableDeclaration } from '../../table/index.ts'
import type { Fault } from '../finding.ts'
import { type ReviewSubject, type ReviewedEndpoint, reviewedEndpoints, stepPlace } from '../subject.ts'

/** Columns whose names say that they are about a person or a secret. */
const PERSONAL =
  /(?:^|_)(?:e?mail|phone|mobile|password|passwd|secret|token|api_?key|address|street|birth\w*|ssn|iban|card\w*|salary|ip)(?:_|$)/i

/** Columns that say whose a record is. */
const OWNER = /^(?:owner|user|account|customer|member|tenant|author|created_by|sub)(?:_id)?$/i

/** Tables that are read without a rule for who may see which records. */
export function tableReads(subject: ReviewSubject): readonly Fault[] {
  const tables = new Map(subject.workspace.tables.map((table) => [table.name, table]))
  return reviewedEndpoints(subject).flatMap((reviewed) =>
    reviewed.steps.flatMap((step): Fault[] => {
      if (step.function !== 'Get Records' && step.function !== 'Get Record') return []
      const table = tables.get(literalText(step.parameters['table']))
      if (table === undefined) return []
      const asked = step.parameters['columns']?.value
      const columns = table.columns.filter(({ name, private: isPrivate }) =>
        Array.isArray(asked) ? asked.includes(name) : !isPrivate,
      )
      const filters = JSON.stringify([step.parameters['where']?.value ?? '', step.parameters['value']?.value ?? ''])
      return faultOf(reviewed, table, stepPlace(step), { names: columns.map(({ name }) => name), filters })
    }),
  )
}

function faultOf(
  { endpoint, isOpen, route }: ReviewedEndpoint,
  table: TableDeclaration,
  place: string,
  { names, filters }: { names: readonly string[]; filters: string },
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
  if (isOpen || owner === undefined || /\bauth\b/.test(filters)) return []
  return [
    {
      severity: 'medium',
      position: endpoint.position,
      message: `Every caller of ${route} reads the records of all others: the step does not filter table "${table.name}" by the caller (${place}).`,
      cure: `Add \`where: '${owner} == {{auth.sub}}'\`, or \`roles\` for those who may see all.`,
    },
  ]
}
