import type { FunctionFile, Issue } from '../definition/types.ts'

/** One error for each circle of functions that call each other: it could only end at the bound of depth. */
export function functionCycles(
  files: readonly FunctionFile[],
  calls: ReadonlyMap<string, ReadonlySet<string>>,
): Issue[] {
  const issues: Issue[] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (name: string): void => {
    const at = path.indexOf(name)
    if (at !== -1) {
      const circle = [...path.slice(at), name]
      const file = files.find((one) => one.name === name)
      if (file === undefined) return
      issues.push({
        severity: 'error',
        message: `Functions call each other in a circle: ${circle.join(' → ')}. Break it, for example with a loop instead.`,
        position: file.position,
      })
      return
    }
    if (done.has(name)) return
    path.push(name)
    for (const next of calls.get(name) ?? []) visit(next)
    path.pop()
    done.add(name)
  }
  for (const { name } of files) visit(name)
  return issues
}
