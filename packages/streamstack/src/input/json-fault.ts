/** Where JSON text stops being JSON, told without repeating any of its content: it may hold secrets. */
export interface JsonFault {
  /** From 1. */
  line: number
  /** From 1, in UTF-16 units. */
  column: number
  expected: string
  found: string
}

type Expectation = 'value' | 'value or ]' | 'name' | 'name or }' | 'colon' | 'comma or end' | 'end'

const expectations: Readonly<Record<Expectation, string>> = {
  value: 'a value',
  'value or ]': 'a value or "]"',
  name: 'a name in double quotes (no comma may stand after the last entry)',
  'name or }': 'a name in double quotes or "}"',
  colon: '":" after the name',
  'comma or end': '"," or the closing bracket',
  end: 'nothing more',
}

/**
 * Finds the first place where text breaks the grammar of RFC 8259; null when it is JSON. Only texts that `JSON.parse`
 * refused come here: its own messages quote the text. Keeps an explicit stack, so depth costs no call stack.
 */
export function findJsonFault(text: string): JsonFault | null {
  const open: ('{' | '[')[] = []
  let expectation: Expectation = 'value'
  let index = skipBlanks(text, 0)

  function fault(at: number, expected: string, found = describe(text, at)): JsonFault {
    const before = text.slice(0, at)
    const line = before.split('\n').length
    return { line, column: at - before.lastIndexOf('\n'), expected, found }
  }

  while (index < text.length) {
    const character = text.charAt(index)
    const closes = character === '}' ? '{' : '['
    const takesValue: boolean = expectation === 'value' || expectation === 'value or ]'
    const takesName: boolean = expectation === 'name' || expectation === 'name or }'
    if (takesValue && (character === '{' || character === '[')) {
      open.push(character)
      expectation = character === '{' ? 'name or }' : 'value or ]'
      index += 1
    } else if ((takesValue || takesName) && character === '"') {
      const end = endOfText(text, index)
      if (end.fault !== null) return fault(end.index, end.fault)
      expectation = takesName ? 'colon' : afterValue(open)
      index = end.index
    } else if (
      (character === '}' && expectation === 'name or }') ||
      (character === ']' && expectation === 'value or ]') ||
      ((character === '}' || character === ']') && expectation === 'comma or end' && open.at(-1) === closes)
    ) {
      open.pop()
      expectation = afterValue(open)
      index += 1
    } else if (expectation === 'colon' && character === ':') {
      expectation = 'value'
      index += 1
    } else if (expectation === 'comma or end' && character === ',') {
      expectation = open.at(-1) === '{' ? 'name' : 'value'
      index += 1
    } else {
      const end = takesValue ? endOfWord(text, index) : index
      if (end === index) return fault(index, expectations[expectation])
      expectation = afterValue(open)
      index = end
    }
    index = skipBlanks(text, index)
  }
  return expectation === 'end' ? null : fault(text.length, expectations[expectation])
}

function afterValue(open: readonly string[]): Expectation {
  return open.length === 0 ? 'end' : 'comma or end'
}

function skipBlanks(text: string, from: number): number {
  let index = from
  while (index < text.length && ' \t\n\r'.includes(text.charAt(index))) index += 1
  return index
}

/** The end of a number, `true`, `false` or `null` at this place; the place itself when none stands there. */
function endOfWord(text: string, from: number): number {
  const word = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y
  word.lastIndex = from
  return word.test(text) ? word.lastIndex : from
}

/** The place after a text's closing quote, or the place where the text is broken and what should stand there. */
function endOfText(text: string, from: number): { index: number; fault: string | null } {
  let index = from + 1
  while (index < text.length) {
    const character = text.charAt(index)
    if (character === '"') return { index: index + 1, fault: null }
    if (character < ' ') return { index, fault: 'an escape such as \\n, because texts stand on one line' }
    if (character === '\\') {
      const escape = text.charAt(index + 1)
      const isShort = escape !== '' && '"\\/bfnrt'.includes(escape)
      if (!isShort && !/^u[\da-fA-F]{4}$/.test(text.slice(index + 1, index + 6))) {
        return { index, fault: 'one of the escapes \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000' }
      }
      index += isShort ? 2 : 6
    } else index += 1
  }
  return { index, fault: 'the closing quote of a text' }
}

const namedCharacters: Readonly<Record<string, string>> = {
  "'": 'a single quote',
  '`': 'a backquote',
  '/': 'a comment',
  '\n': 'a line break',
  '\r': 'a line break',
  '\t': 'a tab',
  '\\': 'a backslash that starts no escape',
  '“': 'a typographic quote',
  '”': 'a typographic quote',
  '\u00a0': 'a no-break space',
}

/** Words that other languages print, and that give the sender's bug away. */
const KNOWN_WORD = /(?:undefined|NaN|Infinity|None|True|False|nil)\b/y

function describe(text: string, index: number): string {
  if (index >= text.length) return 'the end'
  const character = text.charAt(index)
  const name = namedCharacters[character]
  if (name !== undefined) return name
  KNOWN_WORD.lastIndex = index
  const word = KNOWN_WORD.exec(text)?.[0]
  if (word !== undefined) return `the word ${word}`
  if (/[\p{L}_$]/u.test(character)) return 'a word without quotes'
  if (/\d/.test(character)) return 'a digit'
  if (/[!-~]/.test(character)) return JSON.stringify(character)
  return 'another character'
}
