import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { sanitizeText, stripHtml } from './sanitize-text.ts'

const plain = { trim: true, clean: true, html: 'keep' } as const

test.each([
  [' a\u0000b\u001f\u007f\u0085c\t\n ', 'abc'],
  ['e\u0301', 'é'],
  ['e\u0000\u0301', 'é'],
  ['user\u202e\u2066drow\u2069\u202c', 'userdrow'],
  ['a\ud800b', 'a\ufffdb'],
  ['\ufeffhi\u{e0069}\u{e0067}\u{e006e}\u{e006f}\u{e0072}\u{e0065}', 'hi'],
  ['a\ufe0f\u{e0101}\u{e0102}\u{e0103}', 'a\ufe0f'],
  // What people need stays: flags, joined emoji, line breaks, marks of direction.
  [
    '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} 👩‍🚀 a\r\nb \u200fא',
    '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} 👩‍🚀 a\r\nb \u200fא',
  ],
])('%j becomes %j', (text, clean) => expect(sanitizeText(text, plain)).toBe(clean))

test.each([
  ['<p>Hello <b>Ann</b></p>', 'Hello Ann'],
  ['a < b and b > c, 1<2', 'a < b and b > c, 1<2'],
  ['<scr<script>ipt>alert(1)</script>', 'ipt>alert(1)'],
  ['<<b>script>alert(1)</script>', 'script>alert(1)'],
  ['x<script>alert("<b>")</SCRIPT >y<style>p{}</style>z', 'xyz'],
  ['x<script>never closed', 'x'],
  ['a<!-- <b> -->c', 'ac'],
  ['open <b', 'open b'],
])('markup of %j is stripped', (text, clean) => expect(stripHtml(text)).toBe(clean))

test('no text is left with a tag, and stripping twice changes nothing more', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    '/',
    '!',
    '--',
    'b',
    'script',
    ' ',
    '<b>',
    '</b>',
    '<!--',
    '-->',
    '<script>',
    '</script>',
    '?',
    '1',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
      const clean = stripHtml(pieces.join(''))
      expect(clean).not.toMatch(/<[A-Za-z/!?]/)
      expect(stripHtml(clean)).toBe(clean)
    }),
    { numRuns: 500 },
  )
})
