import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { redactingFilter } from './content-filter.ts'
import { nationalIds } from './national-ids.ts'
import { patternMatcher } from './pattern.ts'
import { REDACT_KINDS, type RedactKind, type RedactOptions, newRedactor } from './redactor.ts'
import { wordsMatcher } from './words.ts'

const none: RedactOptions = { kinds: [], nationalIds: [], fields: [], matchers: [], replacement: null }
const allKinds = Object.keys(REDACT_KINDS) as RedactKind[]
const pem = '-----BEGIN RSA PRIVATE KEY-----\nMIIEow/+aB==\nQQ==\n-----END RSA PRIVATE KEY-----'
const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'

/** Keys as their services write them, with the alphabets and lengths of their documentation; random, and none of them real. */
const providerKeys = [
  'sk-abcdefghijklmnopqrstuvwx',
  'sk-QWERTYUIOPASDFGHJKLZXCVB',
  'sk-aBcDeFgHiJkLmNoPqRsTT3BlbkFJuVwXyZaBcDeFgHiJkLmN',
  'sk-proj-aBcD_eFgHiJkLmNoPqRsTuVwXyZaBcDeFgHiJkLmNoPqRsT-uVwXyZaBcDeT3BlbkFJ_k8',
  'sk-svcacct-Zk3QmB7xLw9sVt2Yc5RfHn8JpDg4TaXe',
  'sk-ant-api03-QmZxLwVsYtRcHfJnDpTgXaBe-kUoIqWsEdRfTgYhUjIkOlPzXcVbNmAsDf_GhJkQwErTyUiOpAsDfGhJkAA',
  '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',
  'sk-0f2c6c8e7a1b4d3f9e5a7c8b6d4e2f10',
  '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',
  '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',
  'npm_k9QmZxLwVsYtRcHfJnDpTgXaBekUoIqWsEdR',
  'r8_QmZxLwVsYtRcHfJnDpTgXaBekUoIqWsEdR4Zk',
  'xai-QmZxLwVsYtRcHfJnDpTgXaBekUoIqWsEdRfTgYhUjIkOlPzXcVbNmAsDfGhJkQwErTyUiOpAsDf7',
  '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',
  'AKIAQMZXLWVSYTRCHFJN',
  'glpat-QmZx-LwVs_YtRcHfJnDp',
  'sk_live_QmZxLwVsYtRcHfJnDpTgXaBe',
  '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',
  'ssk_QmZxLwVsYtRcHfJnDpTgXaBekUoIqWsEdRfTgYhUjIkO',
]

/** What people write behind the same beginnings. */
const keyLookalikes = [
  'sk-learn-pipeline-documentation-page',
  'sk-learn-something-about-regression-2024',
  'sk-learn-pipelines-v2-release-notes',
  'sk-SK-lokalizacia-obsahu',
  'sk-createStreamingResponseHandler',
  'npm_config_cache_min_seconds_default',
  'npm_package_dependencies_typescript_7',
  'hf_hub_download_progress_bars_disabled',
  'pypi-server-documentation-2026-edition',
  'xai-research-explainable-models-2025',
  'ASIAPACIFICREGIONALOFFICE',
  'AKIAS-and-others',
]

describe('kinds', () => {
  test.each<[RedactKind, readonly string[], readonly string[]]>([
    [
      'email',
      [
        'ann@example.com',
        'a.b+c_d%e@mail.example.co.uk',
        'müller@exämple.de',
        'x@a.museum',
        'O_1@xn--bcher-kva.example',
      ],
      ['ann@', '@example.com', 'ann@example', 'ann@1.2.3.4', 'a @ b.com', '@user', 'ann@-x.com'],
    ],
    [
      'phone',
      [
        '+49 30 1234567',
        '+1 (555) 123-4567',
        '0044 20 7946 0958',
        '(212) 555-0123',
        '212-555-0123',
        '212.555.0123',
        '1-800-555-0199',
        '030 1234567',
        '0171/1234567',
        '06 12 34 56 78',
        '07911 123456',
        '13800138000',
        '+44 (0)20 7946 0958',
      ],
      [
        '2024-01-15',
        '01.02.2024',
        '01-02-2024 10:30',
        '1,234,567.89',
        '192.168.100.200',
        '1700000000',
        '12345678',
        '3.14159265358979',
        '00000000',
        '555-1234',
        'v1.2.3',
      ],
    ],
    [
      'card',
      [
        '4111111111111111',
        '4111 1111 1111 1111',
        '4111-1111-1111-1111',
        '378282246310005',
        '3782 822463 10005',
        '5555555555554444',
        '6011111111111117',
        '30569309025904',
        '4222222222222',
      ],
      [
        '4111111111111112',
        '1234567890123456',
        '1700000000000',
        '41111111111111111',
        '4111 11 11 11 11 11 11',
        '3.4111111111111111',
      ],
    ],
    [
      'iban',
      [
        'DE89370400440532013000',
        'DE89 3704 0044 0532 0130 00',
        'GB29 NWBK 6016 1331 9268 19',
        'fr1420041010050500013m02606',
        'NO9386011117947',
        'MT84MALT011000012345MTLCAST001S',
      ],
      [
        'DE88370400440532013000',
        'XX89370400440532013000',
        'DE8937040044053201300',
        'at 20 people went to the party last night',
      ],
    ],
    [
      'key',
      [
        'sk-proj-abc123def456ghi789',
        'sk-ant-api03-AbCdEf0123456789',
        'ghp_0123456789abcdefghijABCDEFGHIJ012345',
        'AKIAIOSFODNN7EXAMPLE',
        'AIzaSyA-0123456789abcdefghijklmno',
        'xoxb-123456789012-abcdef',
        ...providerKeys,
        jwt,
        pem,
      ],
      [
        'sk-learn',
        'skip',
        'ghp_short',
        ...keyLookalikes,
        'eyJustText',
        '-----BEGIN CERTIFICATE-----',
        '--- a list ---',
      ],
    ],
  ])('%s', (kind, hits, misses) => {
    const redactor = newRedactor({ ...none, kinds: [kind] })
    for (const hit of hits) expect([hit, redactor.text(`to: ${hit}, ok`)]).toEqual([hit, `to: [${kind}], ok`])
    for (const hit of hits) expect([hit, redactor.text(hit)]).toEqual([hit, `[${kind}]`])
    for (const miss of misses) expect(redactor.text(`to: ${miss}, ok`)).toBe(`to: ${miss}, ok`)
  })

  test.each([
    ['br_cpf', '529.982.247-25', '529.982.247-24'],
    ['ch_ahv', '756.9217.0769.85', '756.9217.0769.84'],
    ['de_tax', '86095742719', '86095742718'],
    ['es_dni', '12345678Z', '12345678A'],
    ['fr_nir', '1 85 05 78 006 084 91', '1 85 05 78 006 084 92'],
    ['gb_nino', 'AB 12 34 56 C', 'BG 12 34 56 C'],
    ['in_aadhaar', '2341 2341 2346', '2341 2341 2345'],
    ['it_cf', 'RSSMRA85T10A562S', 'RSSMRA85T10A562T'],
    ['nl_bsn', '111222333', '111222334'],
    ['pl_pesel', '44051401359', '44051401358'],
    ['se_pnr', '811218-9876', '811218-9875'],
    ['us_ssn', '123-45-6789', '000-45-6789'],
  ])('national id %s', (name, hit, miss) => {
    const redactor = newRedactor({ ...none, nationalIds: [name] })
    expect(redactor.text(`no. ${hit}.`)).toBe('no. [id].')
    expect(redactor.text(`no. ${miss}.`)).toBe(`no. ${miss}.`)
  })

  test('every national id has an example here', () => expect(Object.keys(nationalIds)).toHaveLength(12))
})

/** All characters of a class of Unicode. */
function charactersOf(pattern: RegExp): string[] {
  const points = Array.from({ length: 0x20000 }, (_, point) => point).filter(
    (point) => point < 0xd800 || point > 0xdfff,
  )
  return points.map((point) => String.fromCodePoint(point)).filter((character) => pattern.test(character))
}

const digits = charactersOf(/\p{Nd}/u)
/** Those of the first plane and of mathematics. */
const usualDigits = digits.filter((digit) => digit.length === 1 || digit.startsWith('\ud835'))
const spaces = charactersOf(/\p{Zs}/u)
const dashes = [...charactersOf(/\p{Pd}/u), '\u2212']
const invisible = ['\u00ad', '\u200b', '\u200d', '\u2060', '\ufeff', '\u202e', '\u200f', '\ufe0f']
/** Three times as many, so that most places hide nothing. */
const unhidden = Array.from({ length: invisible.length * 3 }, () => '')
const mathematicalA = [0x1d400, 0x1d434, 0x1d5a0, 0x1d670]

/** A text with other characters that show the same; `pick` chooses among some. */
function disguised(text: string, pick: (choices: readonly string[]) => string): string {
  return Array.from(text, (character) => {
    const code = character.charCodeAt(0)
    const wide = code > 0x20 && code < 0x7f ? [String.fromCharCode(code + 0xfee0)] : []
    const others = /\d/.test(character)
      ? usualDigits.filter((_, index) => index % 10 === Number(character))
      : /[A-Z]/.test(character)
        ? mathematicalA.map((first) => String.fromCodePoint(first + code - 0x41))
        : character === ' '
          ? spaces
          : character === '-'
            ? dashes
            : []
    return pick([character, ...wide, ...others])
  }).join('')
}

describe('characters that only look different', () => {
  const redactor = newRedactor({ ...none, kinds: allKinds, nationalIds: Object.keys(nationalIds) })
  const samples = [
    ['ann.smith@example.com', '[email]'],
    ['+49 30 1234567', '[phone]'],
    ['(212) 555-0123', '[phone]'],
    ['4111-1111-1111-1111', '[card]'],
    ['DE89 3704 0044 0532 0130 00', '[iban]'],
    ['123-45-6789', '[id]'],
    ['AKIAIOSFODNN7EXAMPLE', '[key]'],
    ['sk-proj-abc123def456ghi789', '[key]'],
  ] as const

  test('digits of every script, spaces, dashes', () => {
    expect(digits.length % 10).toBe(0)
    expect(digits.length).toBeGreaterThan(700)
    for (let at = 0; at < digits.length; at += 10) {
      const written = Array.from('4111111111111111', (digit) => digits[at + Number(digit)]).join('')
      expect([written, redactor.text(`no. ${written}.`)]).toEqual([written, 'no. [card].'])
    }
    for (const separator of [...spaces, ...dashes]) {
      const written = ['4111', '1111', '1111', '1111'].join(separator)
      expect([written, redactor.text(written)]).toEqual([written, '[card]'])
    }
  })

  test.each(samples)(
    '%s with any of them, and with hidden characters between, whole and in pieces',
    (sample, wanted) => {
      const filter = redactingFilter(redactor)
      const written = fc.infiniteStream(fc.nat()).map((numbers) => {
        const pick = (choices: readonly string[]): string => choices[numbers.next().value % choices.length] ?? ''
        const shown = Array.from(disguised(sample, pick))
        return shown
          .map((character, index) => (index === 0 ? '' : pick([...invisible, ...unhidden])) + character)
          .join('')
      })
      fc.assert(
        fc.property(written, cuts, (hidden, places) => {
          const whole = `a: ${hidden}, b`
          expect(redactor.text(whole)).toBe(`a: ${wanted}, b`)
          const state = filter.initial()
          const out = pieces(whole, places).flatMap((data) =>
            filter.push(state, { kind: 'text', data, metadata: null }),
          )
          expect([...out, ...filter.flush(state)].map(({ data }) => data).join('')).toBe(`a: ${wanted}, b`)
          expect(JSON.parse(redactor.json(JSON.stringify({ a: whole })))).toEqual({ a: `a: ${wanted}, b` })
        }),
        { numRuns: 60 },
      )
    },
  )

  test.each([
    '4111111111111112 in ４１１１１１１１１１１１１１１２',
    '価格は１，２３４円、期間は２０２４年１月１５日〜２０２５年３月',
    '١٩٩٠–٢٠٢٤ و ٢٠٢٤/٠١/١٥',
    'ann ＠ example, ＠user, a\u200b@',
    '4111 1111 1111 1111²'.slice(0, 15),
    'skip \u200b\u200b\u200b this 👩🏽\u200d🚀 ❤️ 𝒳𝒴',
  ])('%j stays as it is', (given) => expect(redactor.text(given)).toBe(given))

  test('a footnote mark or an emoji behind a match is no part of it', () => {
    expect(redactor.text('4111 1111 1111 1111² sk-proj-abc123def456ghi789🤔 a@b.com。谢谢')).toBe(
      '[card]² [key]🤔 [email]。谢谢',
    )
  })

  test('patterns of a workspace see the text as it is', () => {
    const matchers = [patternMatcher('range', '[range]', '\\d+–\\d+')]
    const own = newRedactor({ ...none, kinds: allKinds, matchers })
    expect(own.text('10–12 ١٠–١٢ 10-12')).toBe('[range] ١٠–١٢ 10-12')
  })

  test('long texts give the same as their parts, and keep no plain form of the whole', () => {
    const parts = Array.from({ length: 900 }, (_, index) => [
      `é${'字 '.repeat((index * 37) % 251)}`,
      index % 2 === 0 ? '４１１１ １１１１ １１１１ １１１１' : 'ann@exam\u200bple.com',
    ])
    const long = parts.flat().join('; ')
    expect(long.length).toBeGreaterThan(200_000)
    expect(redactor.text(long)).toBe(
      parts.flatMap(([before], index) => [before, index % 2 === 0 ? '[card]' : '[email]']).join('; '),
    )
    expect(redactor.text(`é sk-proj-abc123${'ｄef456'.repeat(60_000)}, é`)).toBe('é [key], é')
    expect(redactor.text(`é ${'4\u200b'.repeat(100_000)}`)).toBe(`é ${'4\u200b'.repeat(100_000)}`)
  })

  test('however much is hidden between, nothing is held back without a bound', () => {
    const filter = redactingFilter(redactor)
    const state = filter.initial()
    let held = 0
    const out: string[] = []
    const given = Array.from({ length: 300 }, () => `4${'\u200b'.repeat(999)}`)
    for (const data of given) {
      out.push(...filter.push(state, { kind: 'text', data, metadata: null }).map((chunk) => chunk.data))
      held = Math.max(held, state.text.held.length)
    }
    out.push(...filter.flush(state).map((chunk) => chunk.data))
    expect(held).toBeLessThan(70)
    expect(out.join('')).toBe(redactor.text(given.join('')))
  })
})

test('words: whole words in any case, phrases, scripts without spaces, full-width letters and hidden characters', () => {
  const matchers = [wordsMatcher('words', '***', ['darn', 'heck no', '笨蛋', 'ÄRGER'])]
  const redactor = newRedactor({ ...none, matchers })
  expect(redactor.text('Darn! darned heck  no; 你这笨蛋啊 ärger ｄａｒｎ da\u200brn undarn')).toBe(
    '***! darned ***; 你这***啊 *** *** *** undarn',
  )
})

describe('words in any script', () => {
  const listed =
    'Größe,café,σοφός,ёлка,می\u200cخواهم,سري,שלום,कम,क्षत्रिय,ไทย,がぎ,한국,秘密,👩🏽\u200d🚀,❤️,İzmir,𝒳𝒴'.split(',')
  const filter = redactingFilter(newRedactor({ ...none, matchers: [wordsMatcher('words', '*', listed)] }))
  const filtered = (parts: readonly string[]): string => {
    const state = filter.initial()
    const chunks = parts.flatMap((data) => filter.push(state, { kind: 'text', data, metadata: null }))
    return [...chunks, ...filter.flush(state)].map(({ data }) => data).join('')
  }

  test.each([
    ['German, with the capital letters of ß', 'Größe GRÖSSE grösse GRÖẞE Größen', '* * * * Größen'],
    ['composed or not', 'cafe\u0301 CAFÉ Gro\u0308ße кафе е\u0308лка', '* * * кафе *'],
    ['an accent that makes another word', 'cafè cafe cafée', 'cafè cafe cafée'],
    ['Greek, with its two sigmas', 'σοφός ΣΟΦΌΣ Σοφός σοφόςς', '* * * σοφόςς'],
    ['Persian with a joiner between, and without', 'من می\u200cخواهم میخواهم.', 'من * *.'],
    ['Arabic and Hebrew with vowel marks', 'سِرِّي ســري سرير שלום שָׁלוֹם שלומי', '* * سرير * * שלומי'],
    ['Hindi, where a vowel sign makes another word', 'कम कमी कमरा क्षत्रिय', '* कमी कमरा *'],
    ['scripts without spaces', '这是秘密文件 ภาษาไทยดี', '这是*文件 ภาษา*ดี'],
    ['Kana and Hangul in parts', 'か\u3099き\u3099 한국 \u1112\u1161\u11ab\u1100\u116e\u11a8', '* * *'],
    ['emoji of several characters', '👩🏽\u200d🚀 👩🏽 ❤️ ❤', '* 👩🏽 * *'],
    ['letters beyond the first plane', '𝒳𝒴 𝒳𝒵', '* 𝒳𝒵'],
  ])('%s, whole and split at every place', (_, given, wanted) => {
    expect(filtered([given])).toBe(wanted)
    for (let place = 1; place < given.length; place++) {
      expect(filtered([given.slice(0, place), given.slice(place)])).toBe(wanted)
    }
    expect(filtered(given.split(''))).toBe(wanted)
  })
})

test('patterns: the longest match, within its bound', () => {
  const matchers = [patternMatcher('order', '[order]', '\\bORD-\\d{4,}\\b', { lengthMax: 12 })]
  const redactor = newRedactor({ ...none, matchers })
  expect(redactor.text('ORD-1234 ORD-12345678 ORD-123456789 ORD-12x')).toBe('[order] [order] ORD-123456789 ORD-12x')
})

const everything: RedactOptions = {
  kinds: allKinds,
  nationalIds: Object.keys(nationalIds),
  fields: ['secret'],
  matchers: [
    wordsMatcher('words', '***', ['darn', 'darn it', '笨蛋', 'Größe', 'می\u200cخواهم', 'कम']),
    patternMatcher('order', '[order]', '\\bORD-\\d+', { lengthMax: 12 }),
  ],
  replacement: null,
}

const fragment = fc.oneof(
  fc.constantFrom(
    'ann@example.com',
    '+49 30 1234567',
    '4111 1111 1111 1111',
    'DE89 3704 0044 0532 0130 00',
    'sk-proj-abc123def456ghi789xyz',
    jwt,
    pem,
    '123-45-6789',
    'darn it',
    '笨蛋',
    'ORD-1234',
    '212-555-0123',
    'GRÖSSE',
    'Gro\u0308ße',
    'می\u200cخواهم',
    'कम',
    '４１１１ １１１１　１１１１ １１１１',
    '٤١١١\u200b١١١١‑١١١١\u2009١١١١',
    'ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ',
    '𝟒𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏',
    '𝐀𝐊𝐈𝐀IOSFODNN7EXAMPLE',
  ),
  fc.constantFrom(
    ' ',
    ' ',
    '\u200b',
    '\u200b'.repeat(17),
    '４',
    '𝟒',
    'ａ',
    '＠',
    '–',
    '\u2009',
    '\ud835',
    '\udfd2',
    '🤔',
    '.',
    ', ',
    '\n',
    '-',
    '@',
    '0',
    '1',
    '+',
    '(',
    ')',
    '/',
    'é',
    '\u0301',
    '\u064b',
    '\u200d',
    'ी',
    '😀',
    'a',
    'e',
    'sk-',
    'eyJ',
    '-----BEGIN ',
    'DE',
    '中',
  ),
  fc.string({ maxLength: 4 }),
)
const text = fc.array(fragment, { maxLength: 14 }).map((parts) => parts.join(''))
const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 12 })

function pieces(whole: string, places: readonly number[]): string[] {
  const sorted = [0, ...places.map((place) => place % (whole.length + 1)), whole.length].sort((a, b) => a - b)
  return sorted.slice(1).map((end, index) => whole.slice(sorted[index], end))
}

test('split anywhere, a text comes out as the unsplit text redacted; a clone of the state goes on as the state itself', () => {
  const redactor = newRedactor(everything)
  const filter = redactingFilter(redactor)
  fc.assert(
    fc.property(text, cuts, (whole, places) => {
      let state = filter.initial()
      const out: string[] = []
      for (const [index, data] of pieces(whole, places).entries()) {
        out.push(...filter.push(state, { kind: 'text', data, metadata: `{"i":${index}}` }).map((chunk) => chunk.data))
        state = structuredClone(state)
      }
      out.push(...filter.flush(state).map((chunk) => chunk.data))
      expect(out.join('')).toBe(redactor.text(whole))
      // Each piece keeps its metadata, so none is lost.
      expect(out).toHaveLength(pieces(whole, places).length)
    }),
    { numRuns: 400 },
  )
})

test('one character at a time, every match is redacted', () => {
  const redactor = newRedactor(everything)
  const filter = redactingFilter(redactor)
  fc.assert(
    fc.property(text, (whole) => {
      const state = filter.initial()
      const chunks = whole.split('').flatMap((data) => filter.push(state, { kind: 'text', data, metadata: null }))
      expect([...chunks, ...filter.flush(state)].map(({ data }) => data).join('')).toBe(redactor.text(whole))
    }),
    { numRuns: 150 },
  )
})

test('what is held back is bounded, and prose waits for its last word only', () => {
  const filter = redactingFilter(newRedactor(everything))
  const state = filter.initial()
  const push = (data: string): string[] =>
    filter.push(state, { kind: 'text', data, metadata: null }).map((chunk) => chunk.data)
  expect(push('Dear')).toEqual([])
  expect(push(' reader')).toEqual(['Dear'])
  expect(push(', hello')).toEqual([' reader'])
  expect(push('! ')).toEqual([', hello', '! '])
  let held = 0
  for (let i = 0; i < 5_000; i++) {
    push('a')
    held = Math.max(held, state.text.held.length)
  }
  expect(held).toBeLessThan(400)
})

describe('JSON', () => {
  test('strings, numbers and named fields; everything else stays byte for byte', () => {
    const redactor = newRedactor(everything)
    expect(
      redactor.json(
        '{ "a@example.com" : 1.50, "b":["x\\u0040example.com", 4111111111111111, 12345678901234567890, -1.4111111111111111e-5, true, null],"Secret":{"deep":[1,"}"]},"secret":null}',
      ),
    ).toBe(
      '{ "a@example.com" : 1.50, "b":["[email]", "[card]", 12345678901234567890, -1.4111111111111111e-5, true, null],"Secret":"[redacted]","secret":null}',
    )
  })

  test('is what redacting each value makes of it', () => {
    const redactor = newRedactor({ ...everything, fields: [] })
    const reference = (value: unknown): unknown => {
      if (typeof value === 'string') return redactor.text(value)
      if (typeof value === 'number') return JSON.parse(redactor.json(JSON.stringify(value)))
      if (Array.isArray(value)) return value.map(reference)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, reference(inner)]))
    }
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), text, (value, own) => {
        const whole = { value, own, list: [own, value] }
        expect(JSON.parse(redactor.json(JSON.stringify(whole)))).toEqual(JSON.parse(JSON.stringify(reference(whole))))
      }),
      { numRuns: 150 },
    )
  })

  test('chunks of records, tool arguments and metadata are covered; tokens counted are not', () => {
    const filter = redactingFilter(newRedactor(everything))
    const state = filter.initial()
    for (const kind of ['json', 'tool_call', 'tool_result', 'source', 'status'] as const)
      expect(
        filter.push(state, { kind, data: '{"to":"ann@example.com"}', metadata: '{"by":"bo@example.com"}' }),
      ).toEqual([{ kind, data: '{"to":"[email]"}', metadata: '{"by":"[email]"}' }])
    const usage = { kind: 'usage', data: '{"tokens":4111111111111111}', metadata: null } as const
    expect(filter.push(state, usage)).toEqual([usage])
  })
})
