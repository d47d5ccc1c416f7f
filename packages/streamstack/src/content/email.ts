import { isLatinBeyondAscii, isAlphanumeric, isMailbox } from './characters.ts'
import { MORE, type Matcher, NO } from './matcher.ts'

/** Twice what RFC 5321 §4.5.3.1.1 allows. */
const MAILBOX_MAX = 128
const DOMAIN_MAX = 255

/** `ann@example.com`. Not found: quoted mailboxes, addresses at an IP number, domains in scripts other than Latin. */
export const email: Matcher = {
  name: 'email',
  replacement: '[email]',
  begins: isMailbox,
  beginsBeyondAscii: true,
  insideWords: false,
  rest: null,
  forget() {
    searched = ''
    foundAt = -1
  },
  match(text, at, isWhole) {
    if (text !== searched || at < searchedFrom || at > foundAt) search(text, at)
    // Another string of the same characters would be compared with it at each word, character by character.
    else searched = text
    // Words are settled without a look at their letters.
    if (at !== mailboxStart) return NO
    if (foundAt === text.length) return isWhole ? NO : MORE
    const domain = foundAt + 1
    let end = domain
    while (end - domain < DOMAIN_MAX && isDomain(text.charCodeAt(end))) end++
    if (end >= text.length && end - domain < DOMAIN_MAX && !isWhole) return MORE
    const length = domainLength(text.slice(domain, end))
    return length === 0 ? NO : domain + length - at
  },
}

// What was found last: it is asked for at every word, and depends on nothing but the text.
let searched = ''
let searchedFrom = 0
let foundAt = -1
let mailboxStart = -1

/** Finds the next `@`, or the end of the text, and where the mailbox before it begins; -1 where none can. */
function search(text: string, from: number): void {
  const place = text.indexOf('@', from)
  searched = text
  searchedFrom = from
  foundAt = place === -1 ? text.length : place
  let start = foundAt
  while (start > 0 && foundAt - start <= MAILBOX_MAX && isMailbox(text.charCodeAt(start - 1))) start--
  mailboxStart = start === foundAt || foundAt - start > MAILBOX_MAX ? -1 : start
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
