import { Composer, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, Parser } from 'yaml'
import type { CST, Document, ParsedNode, YAMLMap } from 'yaml'
import { wholeDigits } from '../text/whole-number.ts'
import type { IssueList } from './issue-list.ts'
import { isForbiddenKey, listNode, objectNode, scalarNode, TREE_DEPTH_MAX } from './tree.ts'
import type { Position, TreeEntry, TreeNode } from './types.ts'

/** Most values a file may stand for once its aliases are written out: bounds alias bombs ("billion laughs"). */
const EXPANDED_NODES_MAX = 1_000_000

const TOO_DEEP = `Lists and objects are nested more than ${TREE_DEPTH_MAX} deep.`

/** Words, marks and spaces that a file may have: reading this many takes about two seconds, in which nothing else runs. */
const LEXEMES_MAX = 500_000

/** Tokens that the parser may hold open: each level of nesting takes one or two. The exact bound is the converter's. */
const OPEN_TOKENS_MAX = 2 * TREE_DEPTH_MAX + 10

const SEVERAL_DOCUMENTS =
  'The file holds several documents; remove the line `---` and put the second into its own file.'

/** What the parser's codes mean for the person who wrote the file. */
const messages: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'A tab stands where YAML wants spaces; indent with spaces.',
  DUPLICATE_KEY: 'This key stands here a second time; remove one.',
  BLOCK_AS_IMPLICIT_KEY:
    'A colon or a deeper indent makes a second `key: value` here; put text with a colon in quotes.',
  MULTILINE_IMPLICIT_KEY:
    'A line without a colon stands where `key: value` is expected; add the colon or mend the indent.',
  BAD_INDENT: 'The indent does not fit the lines around it, or a bracket is not closed.',
  MISSING_CHAR: 'A closing quote, comma or bracket is missing here.',
  MULTIPLE_DOCS: SEVERAL_DOCUMENTS,
  NON_STRING_KEY: 'A key must be plain text.',
  BAD_DQ_ESCAPE: 'This escape does not exist; a backslash in double quotes is written \\\\, or use single quotes.',
  BAD_SCALAR_START: 'Text cannot begin with this character; put the text in quotes.',
  KEY_OVER_1024_CHARS: 'A key is longer than 1,024 characters; a quote is probably missing.',
  TAG_RESOLVE_FAILED: 'Tags (words that begin with !) are not used here; remove the tag.',
  RESOURCE_EXHAUSTION: TOO_DEEP,
  UNEXPECTED_TOKEN:
    'Something follows that does not belong here; put text that holds quotes, colons or brackets in quotes.',
}

class YamlFault extends Error {
  readonly offset: number

  constructor(offset: number, message: string) {
    super(message)
    this.offset = offset
  }
}

/** Parses YAML 1.2 with the core schema: one document, text keys, no tags; dates stay text. */
export function parseYamlTree(file: string, text: string, list: IssueList): TreeNode | null {
  const lines = new LineCounter()
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  try {
    const document = compose(text, lines, list, positionAt)
    if (document === null) return null
    return new Converter(document, positionAt, list).convert()
  } catch (fault) {
    if (!(fault instanceof YamlFault)) throw fault
    list.error(positionAt(fault.offset), fault.message)
    return null
  }
}

function compose(
  text: string,
  lines: LineCounter,
  list: IssueList,
  positionAt: (offset: number) => Position,
): Document.Parsed | null {
  const tokens: CST.Token[] = []
  const parser = new Parser(lines.addNewLine)
  lines.addNewLine(0)
  let offset = 0
  let lexemes = 0
  for (const lexeme of new Lexer().lex(text)) {
    lexemes += 1
    if (lexemes > LEXEMES_MAX)
      throw new YamlFault(offset, 'The file is too long; keep data in a table and only the definition here.')
    for (const token of parser.next(lexeme)) tokens.push(token)
    // Refused while it grows: the composer recurses, and millions of open brackets alone would exhaust the memory.
    if (parser.stack.length > OPEN_TOKENS_MAX) throw new YamlFault(offset, TOO_DEEP)
    offset = parser.offset
  }
  for (const token of parser.end()) tokens.push(token)
  const composer = new Composer({ prettyErrors: false, stringKeys: true, resolveKnownTags: false, logLevel: 'error' })
  const documents = [...composer.compose(tokens, true, text.length)]
  const document = documents[0]
  if (document === undefined) throw new YamlFault(0, 'The file holds no document.')
  const second = documents[1]
  if (second !== undefined) throw new YamlFault(second.range[0], SEVERAL_DOCUMENTS)
  // One fault often makes the parser report several at one line; only the first of a line helps.
  const seenLines = new Set<number>()
  for (const fault of [...document.errors, ...document.warnings]) {
    const position = positionAt(fault.pos[0])
    if (seenLines.has(position.line)) continue
    seenLines.add(position.line)
    const line = text.split('\n')[position.line - 1] ?? ''
    // The commonest slip: `{{` opens two flow objects in YAML.
    const unquotedBraces = /(?:[:-]\s+|^\s*)\{\{/.test(line) || /[:-]\s+"\{\{[^"]*\}\}"\s*\S/.test(line)
    const message = unquotedBraces
      ? `Put text with {{ }} in quotes as a whole, such as '{{name}} === true'.`
      : (messages[fault.code] ?? `${fault.message}.`)
    list.error(position, message)
  }
  return seenLines.size > 0 ? null : document
}

class Converter {
  readonly #document: Document.Parsed
  readonly #positionAt: (offset: number) => Position
  readonly #list: IssueList
  /**
   * Anchored nodes are converted once and shared, so an alias bomb costs no memory here; `size` counts a node written out.
   * Null while the node is being converted: an alias to it then stands inside itself.
   */
  readonly #anchors = new Map<string, { node: TreeNode; size: number; height: number } | null>()
  #size = 0

  constructor(document: Document.Parsed, positionAt: (offset: number) => Position, list: IssueList) {
    this.#document = document
    this.#positionAt = positionAt
    this.#list = list
  }

  convert(): TreeNode {
    const contents = this.#document.contents
    if (contents === null) throw new YamlFault(0, 'The file holds no definition; write one or remove the file.')
    return this.#node(contents, 1)
  }

  #node(node: ParsedNode, depth: number): TreeNode {
    const offset = node.range[0]
    if (depth > TREE_DEPTH_MAX) throw new YamlFault(offset, TOO_DEEP)
    if (isAlias(node)) return this.#alias(node.source, offset, depth)
    const sizeBefore = this.#size
    this.#count(1, offset)
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, null)
    let result: TreeNode
    if (isMap(node)) result = this.#map(node, depth)
    else if (isSeq(node)) {
      const items = node.items.map((item) => this.#node(item, depth + 1))
      result = listNode(items, this.#positionAt(offset))
    } else result = this.#scalar(node, offset)
    if (node.anchor !== undefined) {
      this.#anchors.set(node.anchor, { node: result, size: this.#size - sizeBefore, height: heightOf(result) })
    }
    return result
  }

  #alias(source: string, offset: number, depth: number): TreeNode {
    const known = this.#anchors.get(source)
    if (known === undefined) {
      throw new YamlFault(offset, `There is no anchor &${source} before this alias; put text with * in quotes.`)
    }
    if (known === null) throw new YamlFault(offset, `The alias *${source} stands inside its own anchor.`)
    this.#count(known.size, offset)
    // The subtree may stand deeper here than where it was checked.
    if (depth + known.height - 1 > TREE_DEPTH_MAX) throw new YamlFault(offset, TOO_DEEP)
    return known.node
  }

  #count(size: number, offset: number): void {
    this.#size += size
    if (this.#size > EXPANDED_NODES_MAX) {
      throw new YamlFault(offset, 'Aliases make this file stand for more than 1,000,000 values; write less with them.')
    }
  }

  #map(node: YAMLMap.Parsed, depth: number): TreeNode {
    const entries: TreeEntry[] = []
    for (const { key: keyNode, value } of node.items) {
      const keyOffset = keyNode.range[0]
      const key: unknown = isScalar(keyNode) ? keyNode.value : null
      if (typeof key !== 'string') throw new YamlFault(keyOffset, 'A key must be plain text.')
      if (isForbiddenKey(key)) throw new YamlFault(keyOffset, `The key "${key}" is not allowed; choose another.`)
      if (key === '<<') throw new YamlFault(keyOffset, 'Merge keys (<<) are not part of YAML 1.2; write the keys out.')
      const keyPosition = this.#positionAt(keyOffset)
      entries.push({
        key,
        keyPosition,
        node: value === null ? scalarNode(null, keyPosition) : this.#node(value, depth + 1),
      })
    }
    return objectNode(entries, this.#positionAt(node.range[0]))
  }

  #scalar(node: ParsedNode, offset: number): TreeNode {
    const position = this.#positionAt(offset)
    const value: unknown = isScalar(node) ? node.value : null
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return scalarNode(value, position)
    if (typeof value !== 'number') throw new YamlFault(offset, 'This value has no place in JSON; write it as text.')
    if (!Number.isFinite(value)) throw new YamlFault(offset, 'A number must be finite; write it as text.')
    const source = isScalar(node) ? (node.source ?? '') : ''
    // Whole numbers that a number cannot hold stay digits, as text: ids of 64 bits in seeds.
    const digits = wholeDigits(source)
    if (digits === null) return scalarNode(value, position)
    this.#list.warning(
      position,
      `The number ${source} has more digits than a number holds and is kept as text; put it in quotes.`,
    )
    return scalarNode(digits, position)
  }
}

function heightOf(node: TreeNode): number {
  let height = 0
  for (const item of node.items ?? []) height = Math.max(height, heightOf(item))
  for (const entry of node.entries ?? []) height = Math.max(height, heightOf(entry.node))
  return height + 1
}
