/** What becomes of markup in a text. */
export type HtmlMode = 'keep' | 'strip' | 'escape'

export interface SanitizeOptions {
  readonly trim: boolean
  /** Unicode normalisation form C, and removal of control, bidirectional and invisible characters. */
  readonly clean: boolean
  readonly html: HtmlMode
}

/**
 * - C0 and C1 controls but tab, line feed and carriage return; DEL
 * - embeddings, overrides and isolates of UAX #9, which show text in another order than it has ("Trojan Source", CVE-2021-42574)
 * - the byte order mark inside text, interlinear annotation, invisible operators, noncharacters
 */
const UNWANTED = /(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2061-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]/gu

/** Tag characters repeat ASCII without being seen, which models read. They are of use only in flags, behind U+1F3F4. */
const TAGS = /(\u{1f3f4}[\u{e0020}-\u{e007e}]{1,8}\u{e007f})|[\u{e0000}-\u{e007f}]/gu

/** One variation selector may follow a character; more of them in a row carry hidden bytes. */
const SELECTORS = /([\ufe00-\ufe0f\u{e0100}-\u{e01ef}])[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]+/gu

/** Whether a text shows nothing: white space, characters without a width and the blank of Braille. */
export function isBlank(text: string): boolean {
  return !/[^\s\p{Default_Ignorable_Code_Point}\p{Cc}\u2800]/u.test(text)
}

/** A text without what no one can see and what could be taken for markup, as far as the options ask for it. */
export function sanitizeText(text: string, { trim, clean, html }: SanitizeOptions): string {
  let made = text
  if (clean) made = cleanText(made)
  if (html === 'strip') made = stripHtml(made)
  else if (html === 'escape') made = escapeHtml(made)
  return trim ? made.trim() : made
}

function cleanText(text: string): string {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed()
  // NFC before and after: removing a character can bring a letter and its accent together.
  return wellFormed.replaceAll(UNWANTED, '').replaceAll(TAGS, '$1').replaceAll(SELECTORS, '$1').normalize('NFC')
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => escapes[character] as string)
}

/** Elements whose content is no text either. */
const RAW = /^<(script|style|iframe|object|template)\b/i

/**
 * Removes tags and comments, and the content of scripts and styles. A `<` that begins no tag stays, as in `a < b`; no removal lets what is left
 * form a new tag. Takes time in proportion to the text.
 */
export function stripHtml(text: string): string {
  if (!text.includes('<')) return text
  const parts: string[] = []
  let at = 0
  let lastClose = text.lastIndexOf('>')
  for (;;) {
    const open = text.indexOf('<', at)
    if (open === -1) break
    add(parts, text.slice(at, open))
    if (!/[A-Za-z/!?]/.test(text[open + 1] ?? '')) {
      parts.push('<')
      at = open + 1
    } else if (open > lastClose) at = open + 1
    else at = tagEnd(text, open)
  }
  add(parts, text.slice(at))
  return parts.join('')
}

/** Adds text. A `<` before it that would begin a tag with it is dropped. */
function add(parts: string[], text: string): void {
  if (text === '') return
  while (parts.at(-1) === '<' && /^[A-Za-z/!?]/.test(text)) parts.pop()
  parts.push(text)
}

function tagEnd(text: string, open: number): number {
  if (text.startsWith('<!--', open)) {
    const close = text.indexOf('-->', open + 4)
    return close === -1 ? text.length : close + 3
  }
  const close = text.indexOf('>', open) + 1
  const raw = RAW.exec(text.slice(open, open + 10))?.[1]
  if (raw === undefined) return close
  const end = text.slice(close).search(new RegExp(`</${raw}\\s*>`, 'i'))
  if (end === -1) return text.length
  return text.indexOf('>', close + end) + 1
}
