import { randomBytes } from 'node:crypto'
import type { Value } from '@streamstack/protocol'
import type { InputDeclaration } from '../definition/types.ts'
import { mapLongNumbers } from '../text/parse-exact-json.ts'
import type { InputFaults } from './input-faults.ts'
import { isRecord } from './plain-value.ts'

/** Lists and objects of JSON that was parsed, and which of their own values are long numbers, kept as digits. */
const longNumbers = new WeakMap<object, Set<string>>()
/** Lists and objects that hold a long number, however deep. */
const holders = new WeakSet()

const MARK_BYTES = 12

/** Lists and objects of one document that may hold long numbers of their own: the collector of garbage looks at each entry of a WeakMap again and again. */
const OBJECTS_MAX = 10_000

/** What is wrong with a document whose long numbers stand in too many objects, in words that follow "The body ". */
export class TooManyLongNumbers extends Error {
  constructor() {
    super('holds whole numbers beyond 2^53 in more than 10,000 objects; send them in quotes, as text')
  }
}

/** Counts the lists and objects of one document that hold long numbers. */
export interface LongNumberCount {
  objects: number
}

const CURE =
  'is a whole number beyond 2^53, which loses digits on its way; send it in quotes, as text, to an input of the type integer or text'

/**
 * Parses valid JSON that may hold whole numbers beyond ±(2^53 − 1), which stand for ids. They become their digits as
 * text, and `refuseLongNumbers` can still tell them from texts. The JSON must not be deep; it may be a piece of the document that is counted.
 *
 * @throws TooManyLongNumbers
 */
export function parseLongNumbers(text: string, count: LongNumberCount): Value {
  // A caller cannot guess it, so no text of a caller is taken for a number. It is short, as it is written before each of them.
  const mark = `${randomBytes(MARK_BYTES).toString('base64url')}:`
  const marked = mapLongNumbers(text, (digits) => (Number.isFinite(Number(digits)) ? `"${mark}${digits}"` : digits))
  const parsed: Value = JSON.parse(marked)
  const root: { value: Value } = { value: parsed }
  unmark(root, mark, count)
  return root.value
}

/** Notes the long numbers of a list or object that is a piece of another, before its members are moved to the end of that. */
export function moveLongNumbers(piece: object, made: object): void {
  if (!holders.has(piece)) return
  holders.add(made)
  const moved = longNumbers.get(piece)
  if (moved === undefined) return
  const noted = longNumbers.get(made) ?? new Set()
  const first = Array.isArray(made) ? made.length : null
  for (const key of moved) noted.add(first === null ? key : String(first + Number(key)))
  longNumbers.set(made, noted)
}

/** Notes that a list or object holds another, which may hold a long number. */
export function holdInParent(inner: object, parent: object): void {
  if (holders.has(inner)) holders.add(parent)
}

/** Puts the digits in the place of marked texts; whether there was one. */
function unmark(holder: object, mark: string, count: LongNumberCount): boolean {
  let found = false
  const values = holder as Record<string, Value>
  for (const key of Object.keys(holder)) {
    const value = values[key]
    if (typeof value === 'string' && value.startsWith(mark)) {
      values[key] = value.slice(mark.length)
      let keys = longNumbers.get(holder)
      if (keys === undefined) {
        count.objects += 1
        if (count.objects > OBJECTS_MAX) throw new TooManyLongNumbers()
        keys = new Set()
        longNumbers.set(holder, keys)
      }
      keys.add(key)
      found = true
    } else if (typeof value === 'object' && value !== null && unmark(value, mark, count)) found = true
  }
  if (found) holders.add(holder)
  return found
}

/**
 * Adds a fault for each long number that is not for an input of type integer: under any other type it would have become
 * a text, or another number.
 */
export function refuseLongNumbers(
  body: { readonly [name: string]: Value },
  declarations: readonly InputDeclaration[],
  faults: InputFaults,
): void {
  if (!holders.has(body)) return
  for (const declaration of declarations) {
    if (Object.hasOwn(body, declaration.name)) refuseIn(body, declaration.name, declaration, declaration.name, faults)
  }
}

/** Whether a list or an object holds a long number, however deep. */
export function holdsLongNumber(value: Value): boolean {
  return typeof value === 'object' && value !== null && holders.has(value)
}

/** The first of these fields that is or holds a long number, in words that follow its name; null when none does. */
export function longNumberFault(fields: { readonly [name: string]: Value }, names: readonly string[]): string | null {
  if (!holders.has(fields)) return null
  const isLong = (name: string): boolean => longNumbers.get(fields)?.has(name) === true
  const name = names.find((one) => {
    const value = Object.hasOwn(fields, one) ? fields[one] : undefined
    return isLong(one) || (typeof value === 'object' && value !== null && holders.has(value))
  })
  if (name === undefined) return null
  return `\`${name}\` ${isLong(name) ? 'is' : 'holds'} a whole number beyond 2^53, which readers would round. Send it in quotes, as text.`
}

function refuseIn(
  holder: object,
  key: string,
  declaration: InputDeclaration | null,
  path: string,
  faults: InputFaults,
): void {
  if (longNumbers.get(holder)?.has(key) === true) {
    if (declaration?.type !== 'integer') faults.add(path, CURE)
    return
  }
  const value = (holder as Record<string, Value>)[key]
  if (typeof value !== 'object' || value === null || !holders.has(value)) return
  const isItem = !isRecord(value)
  for (const inner of Object.keys(value)) {
    const declared = isItem
      ? (declaration?.items ?? null)
      : (declaration?.properties?.find(({ name }) => name === inner) ?? null)
    refuseIn(value, inner, declared, isItem ? `${path}[${inner}]` : `${path}.${inner}`, faults)
  }
}
