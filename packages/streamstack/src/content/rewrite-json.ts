import { jsonStringEnd } from '../text/json-string-end.ts'

/** What to change in JSON text. */
export interface JsonEdits {
  /** What becomes of a string, given without escapes; the same string when nothing changes. */
  text(value: string): string
  /** What becomes of a number, given as written: text, or null to keep the number. */
  number(written: string): string | null
  /** What stands in the place of the whole value of a field; null to look into the value. */
  field(name: string): string | null
}

const QUOTE = 0x22
const COLON = 0x3a

/**
 * Rewrites strings and numbers inside JSON text without parsing it: everything else, such as the digits of other numbers and white space,
 * stays byte for byte, and no depth can exhaust the stack. The text must be valid JSON. Keys are kept.
 */
export function rewriteJson(json: string, edits: JsonEdits): string {
  let made = ''
  /** Everything before it is in `made`. */
  let copied = 0
  let at = 0
  const replace = (from: number, to: number, by: string): void => {
    made += json.slice(copied, from) + by
    copied = to
  }
  while (at < json.length) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) {
      const end = jsonStringEnd(json, at)
      const value = skipSpace(json, end)
      if (json.charCodeAt(value) === COLON) {
        const by = edits.field(contentOf(json, at, end))
        at = skipSpace(json, value + 1)
        if (by === null) continue
        const valueEnds = valueEnd(json, at)
        if (json.slice(at, valueEnds) !== 'null') replace(at, valueEnds, JSON.stringify(by))
        at = valueEnds
        continue
      }
      const content = contentOf(json, at, end)
      const by = edits.text(content)
      if (by !== content) replace(at, end, JSON.stringify(by))
      at = end
    } else if (isNumberStart(code)) {
      const end = numberEnd(json, at)
      const by = edits.number(json.slice(at, end))
      if (by !== null) replace(at, end, JSON.stringify(by))
      at = end
    } else at++
  }
  return copied === 0 ? json : made + json.slice(copied)
}

function contentOf(json: string, start: number, end: number): string {
  const raw = json.slice(start + 1, end - 1)
  return raw.includes('\\') ? (JSON.parse(json.slice(start, end)) as string) : raw
}

function skipSpace(json: string, from: number): number {
  let at = from
  while (at < json.length && json.charCodeAt(at) <= 0x20) at++
  return at
}

/** The place after a value of any kind. */
function valueEnd(json: string, start: number): number {
  let depth = 0
  let at = start
  while (at < json.length) {
    const character = json[at] as string
    if (character === '"') at = jsonStringEnd(json, at)
    else if (character === ',' && depth === 0) return at
    else {
      if (character === '{' || character === '[') depth++
      else if (character === '}' || character === ']') {
        if (depth === 0) return at
        depth--
      }
      at++
    }
    if (depth === 0 && (character === '"' || character === '}' || character === ']')) return at
  }
  return at
}

function isNumberStart(code: number): boolean {
  return (code > 0x2f && code < 0x3a) || code === 0x2d
}

function numberEnd(json: string, start: number): number {
  let end = start + 1
  while (end < json.length && /[\d.eE+-]/.test(json[end] as string)) end++
  return end
}
