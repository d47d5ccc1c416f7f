import type { Value } from '@streamstack/protocol'
import { Activation, withoutSlots } from './activation.ts'
import { beginWork } from './work.ts'
import { compileTree } from './compile.ts'
import { compileName } from './compile-name.ts'
import { compileTemplate } from './compile-template.ts'
import { ExpressionError, ExpressionErrors } from './expression-error.ts'
import type { Expression, Scope } from './expression.ts'
import { limits } from './limits.ts'
import { objectCode } from './object-code.ts'
import { scan, type Segment } from './scan.ts'
import { scanCondition } from './scan-condition.ts'
import type { Tree } from './tree.ts'
import { type Compiled, constantOf, folded, Unit } from './unit.ts'
import { isList } from './value.ts'

type Path = readonly (string | number)[]

/**
 * Compiles a value of a definition: texts in it, however deep, may hold `{{ }}`; names of properties are taken as they
 * are. A text that is one whole `{{ }}` gives the expression's own value. Throws ExpressionErrors with all faults.
 */
export function compileValue<C>(value: Value, scope: Scope<C>): Expression<C> {
  const unit = new Unit(scope, compileTree)
  const errors: ExpressionError[] = []
  const compiled = compileInside(value, [], unit, errors)
  if (errors.length > 0) throw new ExpressionErrors(errors)
  return expressionOf(compiled, unit)
}

/** A part of a text with `{{ }}` in it: text as it is, or an expression. */
export type TextPart<C> = string | { readonly expression: Expression<C>; readonly isUrlEncoded: boolean }

const URL_ENCODERS: ReadonlySet<string> = new Set(['urlEncode', 'encodeURIComponent'])

/**
 * Compiles each `{{ }}` of a text on its own, for those who put the text together by rules of their own. Throws ExpressionErrors.
 */
export function compileParts<C>(text: string, scope: Scope<C>): readonly TextPart<C>[] {
  try {
    return scan(text).map((segment) => {
      if (segment.kind === 'text') return segment.text
      const unit = new Unit(scope, compileTree)
      unit.text = text
      const { tree } = segment
      return {
        expression: expressionOf(compileTree(tree, unit), unit),
        isUrlEncoded: tree.kind === 'call' && URL_ENCODERS.has(tree.name),
      }
    })
  } catch (error) {
    if (error instanceof ExpressionError) throw new ExpressionErrors([error])
    throw error
  }
}

/**
 * Compiles a condition: true or false, or text as `{{has_more}} === true`, with or without `{{ }}` around its operands and
 * inside its quotes. Its value is always true or false, by JavaScript's rules of truth. Throws ExpressionErrors.
 */
export function compileCondition<C>(value: Value, scope: Scope<C>): Expression<C> {
  const unit = new Unit(scope, compileTree)
  try {
    return expressionOf(truth(conditionOf(value, unit)), unit)
  } catch (error) {
    if (error instanceof ExpressionError) throw new ExpressionErrors([error])
    throw error
  }
}

function conditionOf<C>(value: Value, unit: Unit<C>): Compiled<C> {
  if (typeof value === 'boolean') return constantOf(value)
  if (typeof value !== 'string') {
    throw new ExpressionError('A condition is true, false, or text such as {{has_more}} === true.', 0)
  }
  unit.text = value
  return compileTree(scanCondition(value), unit)
}

function truth<C>({ run, constant }: Compiled<C>): Compiled<C> {
  if (constant !== undefined) return constantOf(Boolean(constant))
  return { run: (context, activation) => Boolean(run(context, activation)), constant: undefined }
}

function expressionOf<C>(compiled: Compiled<C>, unit: Unit<C>): Expression<C> {
  const { constant, json } = compiled
  const { references } = unit
  return Object.freeze({
    evaluate: constant === undefined ? evaluator(compiled, unit) : () => constant,
    json: constant !== undefined || json === undefined ? null : started(json, unit),
    constant: constant !== undefined,
    references: Object.freeze(references),
  })
}

function evaluator<C>({ run, read }: Compiled<C>, unit: Unit<C>): (context: C) => Value {
  return read ?? started(run, unit)
}

/** Code as an evaluation of its own. */
function started<C, Result>(
  run: (context: C, activation: Activation) => Result,
  { slotCount }: Unit<C>,
): (context: C) => Result {
  if (slotCount === 0) {
    return (context) => {
      beginWork()
      return run(context, withoutSlots)
    }
  }
  return (context) => {
    beginWork()
    return run(context, new Activation(slotCount))
  }
}

function compileInside<C>(value: Value, path: Path, unit: Unit<C>, errors: ExpressionError[]): Compiled<C> {
  if (typeof value === 'string') return compileText(value, path, unit, errors)
  if (typeof value !== 'object' || value === null) return constantOf(value)
  if (path.length >= limits.valueDepthMax) {
    errors.push(new ExpressionError(`The value is deeper than ${limits.valueDepthMax} levels.`, 0, path))
    return constantOf(null)
  }
  if (isList(value)) {
    const items = value.map((item, index) => compileInside(item, [...path, index], unit, errors))
    const codes = items.map((item) => item.run)
    return folded(items, (context, activation) => codes.map((code) => code(context, activation)))
  }
  const keys = Object.keys(value)
  if (keys.includes('__proto__')) {
    errors.push(new ExpressionError("'__proto__' cannot be the name of a property.", 0, [...path, '__proto__']))
    return constantOf(null)
  }
  const parts = keys.map((key) => compileInside(value[key] ?? null, [...path, key], unit, errors))
  const code = objectCode(keys, parts)
  return { ...folded(parts, code.run), json: code.json }
}

function compileText<C>(text: string, path: Path, unit: Unit<C>, errors: ExpressionError[]): Compiled<C> {
  if (!text.includes('{{')) return constantOf(text)
  unit.text = text
  try {
    const segments = scan(text)
    const whole = wholeOf(segments)
    return whole === null ? compileSegments(segments, unit) : compileWhole(whole, path, unit)
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    errors.push(new ExpressionError(error.message, error.offset, path))
    return constantOf(null)
  }
}

/** A text that is one `{{ }}`, perhaps with white space around it. */
interface Whole {
  before: string
  tree: Tree
  after: string
}

function wholeOf(segments: readonly Segment[]): Whole | null {
  const whole: { before: string; tree: Tree | null; after: string } = { before: '', tree: null, after: '' }
  for (const segment of segments) {
    if (segment.kind === 'expression') {
      if (whole.tree !== null) return null
      whole.tree = segment.tree
    } else if (segment.text.trim() !== '') {
      return null
    } else if (whole.tree === null) {
      whole.before = segment.text
    } else {
      whole.after = segment.text
    }
  }
  const { before, tree, after } = whole
  return tree === null ? null : { before, tree, after }
}

function compileWhole<C>({ before, tree, after }: Whole, path: Path, unit: Unit<C>): Compiled<C> {
  if (before === '' && after === '') {
    const isEntire = path.length === 0 && tree.kind === 'name'
    return isEntire ? compileName(tree.name, tree, unit, 'whole') : compileTree(tree, unit)
  }
  // `{{item}} ` keeps the type of a list or number, but of a text it keeps the space: streamed words need it.
  const value = compileTree(tree, unit)
  return folded([value], (context, activation) => {
    const result = value.run(context, activation)
    return typeof result === 'string' ? before + result + after : result
  })
}

function compileSegments<C>(segments: readonly Segment[], unit: Unit<C>): Compiled<C> {
  const texts = ['']
  const parts: Compiled<C>[] = []
  for (const segment of segments) {
    if (segment.kind === 'expression') {
      parts.push(compileTree(segment.tree, unit))
      texts.push('')
    } else {
      texts[texts.length - 1] += segment.text
    }
  }
  return compileTemplate(texts, parts, unit.source({ start: 0, end: unit.text.length }))
}
