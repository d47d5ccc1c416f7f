import type { Issue, InputDeclaration, InputType } from '../definition/types.ts'
import { compileInput } from './input-check.ts'
import { describeInput } from './describe-input.ts'
import { InputFaults } from './input-faults.ts'
import { compilePattern } from '../text/linear-pattern.ts'
import { PatternFault } from '../text/pattern-syntax.ts'
import { FORBIDDEN_KEYS } from './plain-value.ts'

const RANGE_TYPES: ReadonlySet<InputType> = new Set(['integer', 'number'])
const LENGTH_TYPES: ReadonlySet<InputType> = new Set(['text', 'email', 'list'])
const PATTERN_TYPES: ReadonlySet<InputType> = new Set(['text', 'email'])
const CLEAN_TYPES: ReadonlySet<InputType> = new Set(['text', 'email', 'any', 'object', 'list'])

/**
 * Everything about declared inputs that cannot work, or works otherwise than it reads, with its place and the cure.
 * Declarations without an error compile.
 */
export function inspectInputs(declarations: readonly InputDeclaration[]): Issue[] {
  const issues: Issue[] = []
  inspectSiblings(declarations, '', issues)
  return issues
}

function inspectSiblings(declarations: readonly InputDeclaration[], prefix: string, issues: Issue[]): void {
  const seen = new Set<string>()
  for (const declaration of declarations) {
    const path = `${prefix}${declaration.name}`
    if (seen.has(declaration.name)) issues.push(issue(declaration, `Input ${path} is declared twice. Keep one.`))
    seen.add(declaration.name)
    inspect(declaration, path, issues)
  }
}

function inspect(declaration: InputDeclaration, path: string, issues: Issue[]): void {
  const before = issues.length
  const report = (message: string): void => void issues.push(issue(declaration, `Input ${path} ${message}`))
  const { type, min, max, minLength, maxLength, values, pattern } = declaration
  const cleans = declaration.trim || declaration.sanitize !== 'none'
  if (FORBIDDEN_KEYS.has(declaration.name)) report('has a name that is not allowed. Use another.')
  if ((min !== null || max !== null) && !RANGE_TYPES.has(type)) {
    report(`is ${type} and has min or max, which are for numbers. Use min_length and max_length, or drop them.`)
  }
  if ((minLength !== null || maxLength !== null) && !LENGTH_TYPES.has(type)) {
    report(`is ${type} and has min_length or max_length, which are for texts and lists. Drop them.`)
  }
  if (pattern !== null && !PATTERN_TYPES.has(type)) report(`is ${type} and has a pattern, which is for texts. Drop it.`)
  if (cleans && !CLEAN_TYPES.has(type)) {
    report(
      `is ${type} and has trim or sanitize, which are for texts. Drop them, or put them on its items or properties.`,
    )
  }
  if (declaration.nonEmpty && !LENGTH_TYPES.has(type)) {
    report(`is ${type} and has non_empty, which is for texts and lists. Drop it.`)
  }
  if (min !== null && max !== null && min > max) report(`has a min of ${min} above its max of ${max}. Swap them.`)
  if (minLength !== null && maxLength !== null && minLength > maxLength) {
    report(`has a min_length of ${minLength} above its max_length of ${maxLength}. Swap them.`)
  }
  if (values?.length === 0) report('offers no value at all. List some under values, or drop it.')
  if (pattern !== null) inspectPattern(pattern, report)
  if (declaration.properties !== null) inspectSiblings(declaration.properties, `${path}.`, issues)
  if (declaration.items !== null) inspect(declaration.items, `${path}[]`, issues)
  if (issues.length === before) inspectGivenValues(declaration, report)
}

function inspectPattern(pattern: string, report: (message: string) => void): void {
  try {
    compilePattern(pattern)
  } catch (thrown) {
    if (!(thrown instanceof PatternFault)) throw thrown
    report(`has a pattern that ${thrown.message}`)
  }
}

/** The default and the offered values must pass the input's own check. */
function inspectGivenValues(declaration: InputDeclaration, report: (message: string) => void): void {
  const { default: fallback, values } = declaration
  const check = compileInput({ ...declaration, default: undefined, required: true })
  if (fallback !== undefined && fallback !== null) {
    const faults = new InputFaults()
    check(fallback, declaration.name, faults)
    if (faults.count > 0) report(`has a default that does not fit: it must be ${describeInput(declaration)}.`)
  }
  for (const value of values ?? []) {
    const faults = new InputFaults()
    if (value === null) continue
    check(value, declaration.name, faults)
    if (faults.count > 0)
      report(`offers the value ${JSON.stringify(value)}, which is not of its type ${declaration.type}.`)
  }
}

function issue(declaration: InputDeclaration, message: string): Issue {
  return { severity: 'error', message, position: declaration.position }
}
