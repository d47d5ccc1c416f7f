/** Schemes that a link in streamed text may have. */
const SCHEMES = new Set(['http:', 'https:', 'mailto:', 'tel:'])

/**
 * The address of a link that may be followed; null for every other scheme, `javascript:` and `data:` in all their spellings among them, since the browser's own parser
 * decides. Relative addresses are refused: text that a model wrote must not act on the page's own site.
 */
export function safeLink(text: string): string | null {
  const address = text
    .trim()
    .replace(/^<|>$/g, '')
    .replace(/\s+["'(].*$/, '')
  if (!URL.canParse(address)) return null
  const url = new URL(address)
  // A link must not carry credentials that its text does not show.
  return SCHEMES.has(url.protocol) && url.username === '' && url.password === '' ? url.href : null
}

/** A link that opens in a new tab and sends no referrer. */
export function linkElement(address: string): HTMLAnchorElement {
  const link = document.createElement('a')
  link.href = address
  link.target = '_blank'
  link.rel = 'noopener noreferrer nofollow'
  return link
}
