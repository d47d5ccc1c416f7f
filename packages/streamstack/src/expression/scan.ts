import { ExpressionError } from './expression-error.ts'
import { parseTree } from './parse.ts'
import { parseSyntax, unexpected } from './syntax.ts'
import type { Tree } from './tree.ts'

/** A piece of a template: text as it is, or an expression. */
export type Segment = { kind: 'text'; text: string } | { kind: 'expression'; tree: Tree }

/** Splits a text at its `{{ }}`. Text is never empty; a text without expressions is one segment. */
export function scan(text: string): Segment[] {
  const segments: Segment[] = []
  let position = 0
  for (;;) {
    const open = text.indexOf('{{', position)
    const plain = open === -1 ? text.slice(position) : text.slice(position, open)
    if (plain !== '') segments.push({ kind: 'text', text: plain })
    if (open === -1) return segments
    const embedded = scanEmbedded(text, open)
    segments.push({ kind: 'expression', tree: embedded.tree })
    position = embedded.end
  }
}

/**
 * Reads the `{{ }}` that opens at `open`. The expression's own grammar decides where it ends, so that `}}` of an object
 * and braces in quotes are not taken for the end.
 */
export function scanEmbedded(text: string, open: number): { tree: Tree; end: number } {
  const start = open + 2
  if (/^\s*\}\}/.test(text.slice(start, start + 100))) {
    throw new ExpressionError('There is nothing between {{ and }}. Write an expression, or take the braces away.', open)
  }
  if (!text.includes('}}', start)) throw unclosed(open)
  const syntax = parseSyntax(text, start)
  if (!text.startsWith('}}', syntax.end)) {
    if (syntax.end >= text.length || text[syntax.end] === '}') throw unclosed(open)
    throw unexpected(text, syntax.end)
  }
  return { tree: parseTree(syntax.node, { text, base: start, placeholders: new Map() }), end: syntax.end + 2 }
}

function unclosed(open: number): ExpressionError {
  return new ExpressionError(
    "The {{ is never closed. End the expression with }}; for two braces as text write {{'{{'}}.",
    open,
  )
}
