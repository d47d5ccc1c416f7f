import { jsonStringEnd } from '../../text/json-string-end.ts'
import type { SourceRow } from './source-row.ts'

/** A property of an object: its name, and the text of its value as the file writes it. */
export type Member = readonly [name: string, value: string]

const QUOTE = 34
const opens = (code: number): boolean => code === 91 || code === 123
const closes = (code: number): boolean => code === 93 || code === 125

/**
 * The properties of the object that a valid JSON text holds. Values stay text: `1.10`, `1e999` and `9007199254740993`
 * lose nothing that way, and a property `__proto__` is one like any other.
 */
export function membersOf(text: string): readonly Member[] {
  const members: Member[] = []
  let at = text.indexOf('{') + 1
  for (;;) {
    at = text.indexOf('"', at)
    if (at === -1) return members
    const nameEnd = jsonStringEnd(text, at)
    const name: string = JSON.parse(text.slice(at, nameEnd))
    const start = text.indexOf(':', nameEnd) + 1
    const end = valueEnd(text, start)
    members.push([name, text.slice(start, end).trim()])
    if (text.charCodeAt(end) !== 44) return members
    at = end + 1
  }
}

/** Where the value behind `at` ends: at the comma or the bracket of the object around it. */
function valueEnd(text: string, at: number): number {
  let depth = 0
  for (let end = at; ; end += 1) {
    const code = text.charCodeAt(end)
    if (code === QUOTE) end = jsonStringEnd(text, end) - 1
    else if (opens(code)) depth += 1
    else if (closes(code)) {
      if (depth === 0) return end
      depth -= 1
    } else if (code === 44 && depth === 0) return end
  }
}

/** A row from JSON text. */
export function jsonRow(text: string, line: number): SourceRow {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return { line, text, problem: 'is not an object' }
    const members = membersOf(text)
    if (members.length > Object.keys(value).length) {
      const names = members.map(([name]) => name)
      const twin = names.find((name, at) => names.indexOf(name) !== at)
      return { line, text, problem: `names "${twin}" twice` }
    }
    return { line, text, problem: null }
  } catch (error) {
    if (error instanceof SyntaxError) return { line, text: JSON.stringify(text), problem: 'is not valid JSON' }
    throw error
  }
}
