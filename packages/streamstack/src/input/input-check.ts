import { isDeepStrictEqual } from 'node:util'
import type { Value } from '@streamstack/protocol'
import { isBlank, mapTexts, sanitizeText } from '../content/index.ts'
import type { InputDeclaration } from '../definition/types.ts'
import { wholeNumber } from '../text/whole-number.ts'
import { describeInput, describeValue } from './describe-input.ts'
import { isEmail, isTimestamp, isUuid } from './formats.ts'
import { InputFaults } from './input-faults.ts'
import { compilePattern } from '../text/linear-pattern.ts'
import { isRecord } from './plain-value.ts'
import { readText } from './read-text-field.ts'

/** Checks one value and returns what is handed on: defaults filled in, frozen. Undefined stands for nothing. */
export type InputCheck = (value: Value | undefined, path: string, faults: InputFaults) => Value | undefined

/** What is wrong with a value that has the right presence; null when it fits. */
type Refusal = (value: Value) => string | null

/**
 * Makes the check of one declared input.
 *
 * @throws PatternFault when its pattern cannot be used.
 */
export function compileInput(declaration: InputDeclaration): InputCheck {
  const wanted = describeInput(declaration)
  const refuse = compileRefusal(declaration, wanted)
  const enter = compileInner(declaration)
  const absent = valueWhenAbsent(declaration, enter)
  const clean = compileClean(declaration)
  const required =
    declaration.type === 'any' && declaration.values === null ? 'is required' : `is required: it must be ${wanted}`

  return (sent, path, faults) => {
    const value = declaration.type === 'integer' ? integerOf(sent) : sent
    if (value === undefined || (value === null && !declaration.nullable)) {
      if (absent !== undefined) return absent
      if (declaration.required) faults.add(path, required)
      return value
    }
    if (value === null) return null
    const given = clean === null ? value : clean(value)
    const refusal = refuse(given)
    if (refusal === null) return enter === null ? given : enter(given, path, faults)
    faults.add(path, refusal)
    return given
  }
}

/** Digits in a text are the whole number they say; beyond 2^53, where a number would lose some, they stay text. */
function integerOf(sent: Value | undefined): Value | undefined {
  const whole = typeof sent === 'string' ? wholeNumber(sent) : null
  return whole === null ? sent : typeof whole === 'bigint' ? String(whole) : whole
}

/** What happens to texts before anything is checked, also to those inside; null: nothing. */
function compileClean({ trim, sanitize }: InputDeclaration): ((value: Value) => Value) | null {
  if (!trim && sanitize === 'none') return null
  const html = sanitize === 'strip_html' ? 'strip' : sanitize === 'escape_html' ? 'escape' : 'keep'
  const options = { trim, clean: sanitize !== 'none', html } as const
  return (value) => deepFreeze(mapTexts(value, (text) => sanitizeText(text, options), ''))
}

/** Whether something stands in for what is absent. `default: null` says "no default" unless null is a value here. */
export function hasDefault({ default: fallback, nullable }: InputDeclaration): boolean {
  return fallback !== undefined && (fallback !== null || nullable)
}

/** The declared default, with its own properties' defaults; for an object without one, what those make alone. */
function valueWhenAbsent(declaration: InputDeclaration, enter: InputCheck | null): Value | undefined {
  const { default: fallback, name, properties, required } = declaration
  if (hasDefault(declaration) && fallback !== undefined) {
    const value = deepFreeze(fallback)
    return enter === null ? value : enter(value, name, new InputFaults())
  }
  if (enter === null || properties === null || required) return undefined
  const faults = new InputFaults()
  const value = enter(Object.freeze({}), name, faults)
  return faults.count > 0 || !isRecord(value) || Object.keys(value).length === 0 ? undefined : value
}

function deepFreeze(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Object.freeze(value.map(deepFreeze))
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, deepFreeze(inner)])))
}

function compileRefusal(declaration: InputDeclaration, wanted: string): Refusal {
  const fits = compileType(declaration)
  const { values } = declaration
  const pattern = declaration.pattern === null ? null : compilePattern(declaration.pattern)
  return (value) => {
    const isOffered = values === null || values.some((offered) => isDeepStrictEqual(offered, value))
    if (!isOffered || !fits(value)) {
      return `must be ${wanted}; got ${describeValue(value, declaration.name)}${quotesHint(declaration, value)}`
    }
    const isEmpty = typeof value === 'string' ? isBlank(value) : Array.isArray(value) && value.length === 0
    if (declaration.nonEmpty && isEmpty) return 'must not be empty'
    if (pattern === null || typeof value !== 'string') return null
    if (value.length > pattern.lengthMax) {
      return `is too long to be matched with its pattern: at most ${pattern.lengthMax} characters`
    }
    return pattern.test(value) ? null : `must be ${wanted}; got ${describeValue(value, declaration.name)}`
  }
}

/** JSON says types itself, so nothing in it is converted; but the message says so when a number is quoted. */
function quotesHint(declaration: InputDeclaration, value: Value): string {
  const isQuoted = typeof value === 'string' && typeof readText(declaration, value) !== 'string' && value !== ''
  return isQuoted ? ', in quotes: send it without them' : ''
}

function compileType(declaration: InputDeclaration): (value: Value) => boolean {
  const { min, max, minLength, maxLength } = declaration
  const isInRange = (value: number | bigint): boolean =>
    (min === null || value >= min) && (max === null || value <= max)
  const isLongEnough = (length: number): boolean =>
    (minLength === null || length >= minLength) && (maxLength === null || length <= maxLength)
  switch (declaration.type) {
    case 'text':
      return (value) => typeof value === 'string' && isLongEnough(countCharacters(value))
    case 'email':
      return (value) => typeof value === 'string' && isEmail(value) && isLongEnough(value.length)
    case 'uuid':
      return (value) => typeof value === 'string' && isUuid(value)
    case 'timestamp':
      return isTimestamp
    case 'integer':
      return (value) => {
        const whole = wholeNumber(value)
        return whole !== null && isInRange(whole)
      }
    case 'number':
      return (value) => typeof value === 'number' && isInRange(value)
    case 'boolean':
      return (value) => typeof value === 'boolean'
    case 'object':
      return isRecord
    case 'list':
      return (value) => Array.isArray(value) && isLongEnough(value.length)
    case 'any':
      return () => true
    default:
      return declaration.type satisfies never
  }
}

/** Code points, as JSON Schema counts them. */
function countCharacters(text: string): number {
  let count = text.length
  for (let index = 0; index < text.length; index += 1) {
    if ((text.codePointAt(index) ?? 0) > 0xffff) {
      count -= 1
      index += 1
    }
  }
  return count
}

/** The checks of what is inside an object or a list; null when anything may be. */
function compileInner(declaration: InputDeclaration): InputCheck | null {
  if (declaration.type === 'list' && declaration.items !== null) return compileItems(declaration.items)
  if (declaration.type === 'object' && declaration.properties !== null) return compileProperties(declaration.properties)
  return null
}

function compileItems(declaration: InputDeclaration): InputCheck {
  const check = compileInput({ ...declaration, required: true })
  return (value, path, faults) => {
    if (!Array.isArray(value)) return value
    const items: readonly Value[] = value
    const checked = items.map((item, index) => check(item, `${path}[${index}]`, faults) ?? null)
    return Object.freeze(checked)
  }
}

/** Properties that are not declared stay: senders add to what they send long before a definition follows. */
function compileProperties(declarations: readonly InputDeclaration[]): InputCheck {
  const checks = declarations.map((declaration) => ({ name: declaration.name, check: compileInput(declaration) }))
  return (value, path, faults) => {
    if (!isRecord(value)) return value
    const changed: [string, Value][] = []
    for (const { name, check } of checks) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined
      const checked = check(given, `${path}.${name}`, faults)
      if (checked !== given && checked !== undefined) changed.push([name, checked])
    }
    return changed.length === 0 ? value : Object.freeze({ ...value, ...Object.fromEntries(changed) })
  }
}
