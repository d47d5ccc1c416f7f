/** A regular expression without the parts that only a backtracking engine can match. */
export type PatternNode =
  | { kind: 'empty' }
  /** One code point that this tells. */
  | { kind: 'one'; accepts: (codePoint: number) => boolean }
  | { kind: 'start' }
  | { kind: 'end' }
  | { kind: 'border'; negated: boolean }
  | { kind: 'sequence'; nodes: readonly PatternNode[] }
  | { kind: 'either'; nodes: readonly PatternNode[] }
  /** `max` null: without end. */
  | { kind: 'repeat'; node: PatternNode; min: number; max: number | null }

/** Groups inside each other. */
const DEPTH_MAX = 50

/** Why a pattern cannot be used, in words that follow "The pattern ". */
export class PatternFault extends Error {}

/**
 * Parses the source of a JavaScript regular expression with the flag `u`. What JavaScript itself refuses is refused by
 * JavaScript, so only the accepted grammar is followed here.
 *
 * @throws PatternFault
 */
export function parsePattern(source: string): PatternNode {
  try {
    RegExp(source, 'u')
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown
    const reason = thrown.message.replace(/^.*: /s, '')
    throw new PatternFault(`is not a regular expression (${reason}). With the flag u, escape only what needs it.`)
  }
  return new PatternParser(source).parse()
}

class PatternParser {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  parse(): PatternNode {
    return this.#either(0)
  }

  #either(depth: number): PatternNode {
    if (depth > DEPTH_MAX) throw new PatternFault(`has groups nested deeper than ${DEPTH_MAX}.`)
    const nodes = [this.#sequence(depth)]
    while (this.#take('|')) nodes.push(this.#sequence(depth))
    return nodes.length === 1 && nodes[0] !== undefined ? nodes[0] : { kind: 'either', nodes }
  }

  #sequence(depth: number): PatternNode {
    const nodes: PatternNode[] = []
    while (this.#at < this.#source.length && !'|)'.includes(this.#source.charAt(this.#at))) {
      nodes.push(this.#quantified(this.#term(depth)))
    }
    return nodes.length === 0 ? { kind: 'empty' } : { kind: 'sequence', nodes }
  }

  #quantified(node: PatternNode): PatternNode {
    const quantifier = this.#match(/(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/y)
    if (quantifier === null) return node
    const [, sign, least, comma, most] = quantifier
    if (sign !== undefined) return { kind: 'repeat', node, min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : null }
    const min = Number(least)
    const max = comma === undefined ? min : most === '' ? null : Number(most)
    return { kind: 'repeat', node, min, max }
  }

  #term(depth: number): PatternNode {
    if (this.#take('^')) return { kind: 'start' }
    if (this.#take('$')) return { kind: 'end' }
    if (this.#take('\\b')) return { kind: 'border', negated: false }
    if (this.#take('\\B')) return { kind: 'border', negated: true }
    if (this.#match(/\((?:\?:|\?<(?![=!])[^>]*>|(?!\?))/y) !== null) {
      const node = this.#either(depth + 1)
      this.#at += 1 // the closing bracket, which JavaScript has seen
      return node
    }
    if (this.#match(/\(\?<?[=!]/y) !== null) {
      throw new PatternFault('looks ahead or behind, which cannot be matched in linear time. Write it without.')
    }
    if (this.#match(/\(\?/y) !== null) throw new PatternFault('sets flags inside a group. Write it without.')
    if (this.#match(/\\(?:[1-9]|k)/y) !== null) {
      throw new PatternFault('refers back to a group, which cannot be matched in linear time. Write it without.')
    }
    // What stands for one code point keeps JavaScript's own meaning: JavaScript is asked about that code point alone.
    const one = this.#match(
      /\[(?:\\.|[^\]\\])*\]|\\(?:[pP]\{[^}]*\}|x[\da-fA-F]{2}|u\{[\da-fA-F]+\}|u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[\da-fA-F]{4}|c[a-zA-Z]|.)|./suy,
    )
    if (one === null) throw new PatternFault('cannot be read.')
    return { kind: 'one', accepts: acceptor(one[0]) }
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  #match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at
    const match = expression.exec(this.#source)
    if (match !== null) this.#at += match[0].length
    return match
  }
}

function acceptor(source: string): (codePoint: number) => boolean {
  const expression = new RegExp(`^(?:${source})$`, 'u')
  const ascii = Array.from({ length: 128 }, (_, codePoint) => expression.test(String.fromCodePoint(codePoint)))
  return (codePoint) => ascii[codePoint] ?? expression.test(String.fromCodePoint(codePoint))
}
