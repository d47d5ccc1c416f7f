import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { StagePage } from './elements-stage.ts'

let axe = ''

/** What axe finds on a page, shadow trees included: the rule and where, as text. */
export async function violations({ page }: Pick<StagePage, 'page'>): Promise<string[]> {
  axe ||= await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  // Not as a script of the page, whose policy would refuse it.
  await page.evaluate(`${axe}; undefined`)
  return page.evaluate(async () => {
    interface Result {
      violations: { id: string; nodes: { target: unknown; failureSummary?: string }[] }[]
    }
    const { axe } = window as unknown as { axe: { run(context: unknown, options: unknown): Promise<Result> } }
    // A stage is one element on a page, without the headings and landmarks of a site.
    const rules = { region: { enabled: false }, 'page-has-heading-one': { enabled: false } }
    const result = await axe.run(document, { rules })
    return result.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${JSON.stringify(target)} ${failureSummary ?? ''}`),
    )
  })
}
