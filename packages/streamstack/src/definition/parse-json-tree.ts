import { createScanner } from 'jsonc-parser'
import { wholeDigits } from '../text/whole-number.ts'
import type { IssueList } from './issue-list.ts'
import { isForbiddenKey, listNode, objectNode, scalarNode, TREE_DEPTH_MAX } from './tree.ts'
import type { Position, TreeEntry, TreeNode } from './types.ts'

/** Token kinds of jsonc-parser's scanner; its own `const enum` cannot be used where each file compiles alone. */
const OPEN_BRACE: number = 1
const CLOSE_BRACE: number = 2
const OPEN_BRACKET: number = 3
const CLOSE_BRACKET: number = 4
const COMMA: number = 5
const COLON: number = 6
const NULL_WORD: number = 7
const TRUE_WORD: number = 8
const FALSE_WORD: number = 9
const STRING_LITERAL: number = 10
const NUMBER_LITERAL: number = 11
const END_OF_FILE: number = 17

/** Scanner faults inside one token, by jsonc-parser's `ScanError`. */
const scanFaults: Readonly<Record<number, string>> = {
  1: 'A comment is not closed; add */ at its end.',
  2: 'The text is not closed on its line; add a double quote at its end (a line break inside is written \\n).',
  3: 'The number is not complete; write it like 1, 0.5 or 1e3.',
  4: 'A \\u escape needs four hexadecimal digits, as in \\u00e9.',
  5: 'This escape does not exist; a backslash itself is written \\\\.',
  6: 'A control character stands inside the text; write a tab as \\t and a line break as \\n.',
}

/** Ends the parse at the first fault: after it, positions would only mislead. */
class JsonFault extends Error {
  readonly position: Position

  constructor(position: Position, message: string) {
    super(message)
    this.position = position
  }
}

/**
 * Parses JSON with comments and trailing commas. Several objects one after the other (as when the settings and the
 * stack are pasted in separately) count as one object.
 */
export function parseJsonTree(file: string, text: string, list: IssueList): TreeNode | null {
  try {
    return new JsonParser(file, text, list).parse()
  } catch (fault) {
    if (!(fault instanceof JsonFault)) throw fault
    list.error(fault.position, fault.message)
    return null
  }
}

class JsonParser {
  readonly #file: string
  readonly #text: string
  readonly #list: IssueList
  readonly #scanner
  #token: number = 0

  constructor(file: string, text: string, list: IssueList) {
    this.#file = file
    this.#text = text
    this.#list = list
    this.#scanner = createScanner(text, true)
  }

  parse(): TreeNode {
    this.#advance()
    if (this.#token === END_OF_FILE)
      throw this.#fault('The file holds only comments; write a definition or remove the file.')
    const first = this.#value(1)
    if (first.entries === undefined) {
      if (this.#token !== END_OF_FILE)
        throw this.#fault(`The definition ends before ${this.#found()}; remove what follows.`)
      return first
    }
    const entries = [...first.entries]
    const seen = new Map(entries.map((entry) => [entry.key, entry.keyPosition]))
    while (this.#token !== END_OF_FILE) {
      if (this.#token !== OPEN_BRACE)
        throw this.#fault(`The definition ends before ${this.#found()}; remove what follows.`)
      for (const entry of this.#value(1).entries ?? []) this.#addEntry(entries, seen, entry)
    }
    return objectNode(entries, first.position)
  }

  #advance(): void {
    this.#token = this.#scanner.scan()
    const error: number = this.#scanner.getTokenError()
    if (error !== 0) throw this.#fault(scanFaults[error] ?? 'This cannot be read as JSON.')
  }

  #position(): Position {
    return {
      file: this.#file,
      line: this.#scanner.getTokenStartLine() + 1,
      column: this.#scanner.getTokenStartCharacter() + 1,
    }
  }

  #fault(message: string, position: Position = this.#position()): JsonFault {
    return new JsonFault(position, message)
  }

  /** The current token in words. */
  #found(): string {
    if (this.#token === END_OF_FILE) return 'the end of the file'
    const source = this.#text.substr(this.#scanner.getTokenOffset(), Math.min(this.#scanner.getTokenLength(), 40))
    return source.startsWith('"') ? source : `\`${source}\``
  }

  #value(depth: number): TreeNode {
    const position = this.#position()
    if (depth > TREE_DEPTH_MAX) throw this.#fault(`Lists and objects are nested more than ${TREE_DEPTH_MAX} deep.`)
    switch (this.#token) {
      case OPEN_BRACE:
        return this.#object(position, depth)
      case OPEN_BRACKET:
        return this.#array(position, depth)
      case STRING_LITERAL: {
        const node = scalarNode(this.#scanner.getTokenValue(), position)
        this.#advance()
        return node
      }
      case NUMBER_LITERAL: {
        const node = scalarNode(this.#number(position), position)
        this.#advance()
        return node
      }
      case NULL_WORD:
        this.#advance()
        return scalarNode(null, position)
      case TRUE_WORD:
        this.#advance()
        return scalarNode(true, position)
      case FALSE_WORD:
        this.#advance()
        return scalarNode(false, position)
      default:
        throw this.#fault(this.#notAValue())
    }
  }

  /** Whole numbers that a number cannot hold stay digits, as text: ids of 64 bits in seeds. */
  #number(position: Position): number | string {
    const source = this.#scanner.getTokenValue()
    const value = Number(source)
    if (!Number.isFinite(value)) throw this.#fault(`The number ${source} is too large; write it as text.`, position)
    const digits = wholeDigits(source)
    if (digits === null) return value
    this.#list.warning(
      position,
      `The number ${source} has more digits than a number holds and is kept as text; put it in quotes.`,
    )
    return digits
  }

  #notAValue(): string {
    if (this.#token === END_OF_FILE) return 'A value is missing before the end of the file.'
    if (
      this.#token === COMMA ||
      this.#token === COLON ||
      this.#token === CLOSE_BRACE ||
      this.#token === CLOSE_BRACKET
    ) {
      return `A value is missing before ${this.#found()}.`
    }
    const found = this.#found()
    if (/^`['`‘“]/.test(found)) return 'Text stands between double quotes in JSON: "…".'
    return `${found} is no JSON value; put text between double quotes.`
  }

  #object(position: Position, depth: number): TreeNode {
    const entries: TreeEntry[] = []
    const seen = new Map<string, Position>()
    this.#advance()
    while (this.#token !== CLOSE_BRACE) {
      if (this.#token !== STRING_LITERAL) throw this.#fault(this.#notAKey(position))
      const keyPosition = this.#position()
      const key = this.#scanner.getTokenValue()
      this.#advance()
      if (this.#token !== COLON) {
        throw this.#fault(`A colon is missing after the key ${JSON.stringify(key)}, before ${this.#found()}.`)
      }
      this.#advance()
      this.#addEntry(entries, seen, { key, keyPosition, node: this.#value(depth + 1) })
      if (this.#token === COMMA) this.#advance()
      else if (this.#token !== CLOSE_BRACE) throw this.#fault(this.#notClosed('{', '}', position))
    }
    this.#advance()
    return objectNode(entries, position)
  }

  #array(position: Position, depth: number): TreeNode {
    const items: TreeNode[] = []
    this.#advance()
    while (this.#token !== CLOSE_BRACKET) {
      if (this.#token === CLOSE_BRACE || this.#token === END_OF_FILE)
        throw this.#fault(this.#notClosed('[', ']', position))
      items.push(this.#value(depth + 1))
      if (this.#token === COMMA) this.#advance()
      else if (this.#token !== CLOSE_BRACKET) throw this.#fault(this.#notClosed('[', ']', position))
    }
    this.#advance()
    return listNode(items, position)
  }

  #addEntry(entries: TreeEntry[], seen: Map<string, Position>, entry: TreeEntry): void {
    const name = JSON.stringify(entry.key)
    if (isForbiddenKey(entry.key))
      throw this.#fault(`The key ${name} is not allowed; choose another.`, entry.keyPosition)
    const earlier = seen.get(entry.key)
    if (earlier !== undefined) {
      throw this.#fault(
        `The key ${name} stands here a second time (first on line ${earlier.line}); remove one.`,
        entry.keyPosition,
      )
    }
    seen.set(entry.key, entry.keyPosition)
    entries.push(entry)
  }

  #notAKey(position: Position): string {
    if (this.#token === OPEN_BRACE) {
      return 'A key is missing before `{`; a value with {{ }} stands between double quotes: "{{name}}".'
    }
    if (this.#token === END_OF_FILE || this.#token === CLOSE_BRACKET) return this.#notClosed('{', '}', position)
    if (this.#token === COMMA) return 'A comma stands here without an entry before it; remove it.'
    return `${this.#found()} is no key; a key stands between double quotes: "key": value.`
  }

  #notClosed(open: string, close: string, position: Position): string {
    const opened = `the \`${open}\` of line ${position.line}, column ${position.column}`
    if (this.#token === END_OF_FILE) return `The file ends before ${opened} is closed; add \`${close}\`.`
    if (this.#token === CLOSE_BRACE || this.#token === CLOSE_BRACKET) {
      return `${this.#found()} does not close ${opened}; add \`${close}\` before it.`
    }
    return `A comma is missing before ${this.#found()}.`
  }
}
