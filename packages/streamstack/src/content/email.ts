import { isLatinBeyondAscii, isAlphanumeric, isMailbox } from './characters.ts'
import { MORE, type Matcher, NO } from './matcher.ts'

/** Twice what RFC 5321 §4.5.3.1.1 allows. */
const MAILBOX_MAX = 128
const DOMAIN_MAX = 255
const AT = 0x40

/** `ann@example.com`. Not found: quoted mailboxes, addresses at an IP number, domains in scripts other than Latin. */
export const email: Matcher = {
  name: 'email',
  replacement: '[email]',
  begins: isMailbox,
  beginsBeyondAscii: true,
  insideWords: false,
  rest: null,
  match(text, at, isWhole) {
    if (isMailbox(text.charCodeAt(at - 1)) || !isMailbox(text.charCodeAt(at))) return NO
    let end = at + 1
    while (end - at <= MAILBOX_MAX && isMailbox(text.charCodeAt(end))) end++
    if (end - at > MAILBOX_MAX) return NO
    if (end >= text.length) return isWhole ? NO : MORE
    if (text.charCodeAt(end) !== AT) return NO
    const domain = ++end
    while (end - domain < DOMAIN_MAX && isDomain(text.charCodeAt(end))) end++
    if (end >= text.length && end - domain < DOMAIN_MAX && !isWhole) return MORE
    const length = domainLength(text.slice(domain, end))
    return length === 0 ? NO : domain + length - at
  },
}

function isDomain(code: number): boolean {
  return isAlphanumeric(code) || code === 0x2d || code === 0x2e || isLatinBeyondAscii(code)
}

/** The longest beginning that is a domain with a name of letters at its end. */
function domainLength(run: string): number {
  const labels = run.split('.')
  const broken = labels.findIndex((label) => label === '' || label.startsWith('-'))
  for (let count = broken === -1 ? labels.length : broken; count > 1; count--) {
    const top = /^(?:[A-Za-z\u00c0-\u024f]{2,63}|xn--[A-Za-z0-9-]{2,59})/.exec(labels[count - 1] as string)?.[0]
    if (top !== undefined) return labels.slice(0, count - 1).join('.').length + 1 + top.replace(/-+$/, '').length
  }
  return 0
}
