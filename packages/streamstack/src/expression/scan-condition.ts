import { ExpressionError } from './expression-error.ts'
import type { Placeholders } from './origin.ts'
import { parseTree } from './parse.ts'
import { scanEmbedded } from './scan.ts'
import { parseSyntax, unexpected } from './syntax.ts'
import type { Tree } from './tree.ts'

/**
 * Reads a condition: an expression in which `{{ }}` may stand around any operand, and inside quotes.
 *
 * Each `{{ }}` and each quoted text that holds one is parsed on its own first, then stands in the outer expression as a
 * name of equal length that only its offset identifies. So no text is ever pasted into other text and parsed again.
 */
export function scanCondition(text: string): Tree {
  if (text.trim() === '') {
    throw new ExpressionError('The condition is empty. Write one such as {{has_more}} === true.', 0)
  }
  const { masked, placeholders } = mask(text)
  const syntax = parseSyntax(masked, 0)
  if (syntax.end < text.length) throw unexpected(text, syntax.end)
  const tree = parseTree(syntax.node, { text, base: 0, placeholders })
  for (const offset of placeholders.keys()) {
    throw new ExpressionError('{{ }} stands where no value can stand. Put it around a whole operand.', offset - 1)
  }
  return tree
}

function mask(text: string): { masked: string; placeholders: Placeholders } {
  const placeholders: Map<number, Tree> = new Map()
  let masked = ''
  let position = 0
  while (position < text.length) {
    const character = text[position] ?? ''
    let end = position + 1
    let tree: Tree | null = null
    if (text.startsWith('{{', position)) {
      ;({ tree, end } = scanEmbedded(text, position))
    } else if (character === '"' || character === "'") {
      ;({ tree, end } = scanQuoted(text, position, character))
    } else if (character === '`') {
      end = afterBackticks(text, position)
    }
    if (tree === null) {
      masked += text.slice(position, end)
    } else {
      // White space on both sides keeps the name from growing together with its neighbours.
      masked += ` ${'$'.repeat(end - position - 2)} `
      placeholders.set(position + 1, tree)
    }
    position = end
  }
  return { masked, placeholders }
}

/** A quoted text; its tree is null when it holds no `{{ }}` and can stay as it is. */
function scanQuoted(text: string, start: number, quote: string): { tree: Tree | null; end: number } {
  const texts: string[] = []
  const parts: Tree[] = []
  let pieceStart = start + 1
  let position = start + 1
  while (position < text.length && text[position] !== quote) {
    if (text.startsWith('{{', position)) {
      texts.push(unescaped(text, pieceStart, position, quote))
      const embedded = scanEmbedded(text, position)
      parts.push(embedded.tree)
      position = embedded.end
      pieceStart = position
    } else {
      position += text[position] === '\\' ? 2 : 1
    }
  }
  const end = Math.min(position + 1, text.length)
  // A quote that is never closed is reported by the parse of the whole, at its place.
  if (parts.length === 0 || position >= text.length) return { tree: null, end }
  texts.push(unescaped(text, pieceStart, position, quote))
  return { tree: { kind: 'template', texts, parts, start, end }, end }
}

function unescaped(text: string, start: number, end: number, quote: string): string {
  const { node } = parseSyntax(`${quote}${text.slice(start, end)}${quote}`, 0)
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value
  throw new ExpressionError('The quoted text cannot be read.', start)
}

function afterBackticks(text: string, start: number): number {
  let position = start + 1
  while (position < text.length && text[position] !== '`') {
    if (text.startsWith('{{', position)) {
      throw new ExpressionError('Inside backticks write ${name} for a value, not {{name}}.', position)
    }
    position += text[position] === '\\' ? 2 : 1
  }
  return position + 1
}
