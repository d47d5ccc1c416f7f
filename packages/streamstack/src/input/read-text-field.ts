import type { Value } from '@streamstack/protocol'
import type { InputDeclaration, InputType } from '../definition/types.ts'
import { wholeDigits, wholeNumber } from '../text/whole-number.ts'
import { holdsLongNumber } from './long-numbers.ts'
import { parseJson } from './parse-json.ts'
import { isRecord } from './plain-value.ts'
import { newTextField } from './text-fields.ts'
import type { TextField } from './text-fields.ts'

/**
 * Turns text into a value of the declared type where the text says one. Text that does not fit stays text, for the
 * check that follows to refuse with the text in its message. Undefined: nothing was sent; an empty text stands for
 * that wherever it cannot be a value, because forms send every field that was left blank.
 */
export function readTextField(declaration: InputDeclaration, field: TextField): Value | undefined {
  if (declaration.type === 'list') return readList(declaration, field)
  if (field.children.size > 0) return readObject(declaration.properties ?? [], field)
  if (field.texts.length > 1) return Object.freeze([...field.texts])
  const text = field.texts[0]
  return text === undefined ? undefined : readText(declaration, text)
}

function readList(declaration: InputDeclaration, field: TextField): Value | undefined {
  const [only] = field.texts
  if (field.texts.length === 1 && only !== undefined && field.children.size === 0) {
    if (only === '') return undefined
    if (only.trimStart().startsWith('[')) return readJson(only, Array.isArray)
  }
  const items: (Value | undefined)[] = field.texts.map((text) => readItem(declaration, newTextField(text)))
  // `a[2]` and `a[10]` keep their order but leave no gaps; `a[]` come as they were sent, after them.
  const keyed = [...field.children].sort(([left], [right]) => placeOf(left) - placeOf(right))
  for (const [key, child] of keyed) {
    if (key === '') {
      for (const text of child.texts) items.push(readItem(declaration, newTextField(text)))
    } else if (/^\d+$/.test(key)) items.push(readItem(declaration, child))
    else return readObject([], field)
  }
  return Object.freeze(items.map((item) => item ?? null))
}

function placeOf(key: string): number {
  return key === '' ? Infinity : Number(key)
}

function readItem(declaration: InputDeclaration, field: TextField): Value | undefined {
  return declaration.items === null ? readAny(field) : readTextField(declaration.items, field)
}

function readAny(field: TextField): Value | undefined {
  if (field.children.size > 0) return readObject([], field)
  return field.texts.length > 1 ? Object.freeze([...field.texts]) : field.texts[0]
}

/** Values sent both as `options=…` and as `options.delay=…` contradict each other: then the former is left to be refused. */
function readObject(properties: readonly InputDeclaration[], field: TextField): Value | undefined {
  if (field.texts.length > 0) return Object.freeze([...field.texts])
  const entries: [string, Value][] = []
  for (const [key, child] of field.children) {
    const property = properties.find(({ name }) => name === key)
    const value = property === undefined ? readAny(child) : readTextField(property, child)
    if (value !== undefined) entries.push([key, value])
  }
  return Object.freeze(Object.fromEntries(entries))
}

const NUMBER_TEXT = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i
const booleanTexts: Readonly<Record<string, boolean>> = {
  true: true,
  false: false,
  1: true,
  0: false,
  on: true,
  off: false,
}
const EMPTY_IS_TEXT: ReadonlySet<InputType> = new Set(['text', 'any', 'boolean'])

/** What a text means as a value of the declared type; the text itself where it means none. */
export function readText(declaration: InputDeclaration, text: string): Value | undefined {
  const { type } = declaration
  if (text === '' && !EMPTY_IS_TEXT.has(type)) return undefined
  if (type === 'integer') return typeof wholeNumber(text) === 'number' ? Number(text) : text
  if (type === 'number') return NUMBER_TEXT.test(text) && isHeld(text) ? Number(text) : text
  if (type === 'boolean') {
    const word = text.toLowerCase()
    return Object.hasOwn(booleanTexts, word) ? (booleanTexts[word] ?? text) : text
  }
  if (type === 'timestamp') return /^-?\d+$/.test(text) ? Number(text) : text
  if (type === 'object') return readJson(text, isRecord)
  if (type === 'any')
    return declaration.values?.find((value) => typeof value !== 'object' && String(value) === text) ?? text
  return text
}

/** Whether a number holds what the text says: neither Infinity nor a whole number that was rounded. */
function isHeld(text: string): boolean {
  const number = Number(text)
  return Number.isFinite(number) && wholeDigits(text) === null
}

function readJson(text: string, fits: (value: Value) => boolean): Value {
  const parsed = parseJson(text)
  // A whole number beyond 2^53 in it would come as text; the check that follows refuses what stays text.
  return 'value' in parsed && fits(parsed.value) && !holdsLongNumber(parsed.value) ? parsed.value : text
}
