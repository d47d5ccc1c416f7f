import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MarkdownParser } from './markdown-parser.ts'
import type { MarkdownSink } from './markdown-sink.ts'

/** What was read, as markup for people who read tests; `unwrap` puts a mark back. */
function tree(): MarkdownSink & { markup(): string; text$(): string } {
  interface Node {
    tag: string
    children: (Node | string)[]
  }
  const root: Node = { tag: '', children: [] }
  const open: Node[] = [root]
  const top = (): Node => open.at(-1) as Node
  const written = ({ tag, children }: Node): string => {
    const inner = children.map((child) => (typeof child === 'string' ? child : written(child))).join('')
    return tag === '' ? inner : `<${tag}>${inner}</${tag.split(' ')[0]}>`
  }
  const plain = ({ children }: Node): string =>
    children.map((child) => (typeof child === 'string' ? child : plain(child))).join('')
  return {
    open(tag, detail) {
      const node: Node = { tag: detail ? `${tag} ${detail}` : tag, children: [] }
      top().children.push(node)
      open.push(node)
    },
    close() {
      if (open.length === 1) throw new Error('Nothing is open.')
      open.pop()
    },
    text: (text) => void top().children.push(text),
    link: (address) => void (top().tag = `a ${address}`),
    unwrap(mark) {
      const node = open.pop() as Node
      top().children.splice(-1, 1, mark, ...node.children)
    },
    markup: () => {
      expect(open).toHaveLength(1)
      return written(root)
    },
    text$: () => plain(root),
  }
}

function read(pieces: readonly string[]): string {
  const sink = tree()
  const parser = new MarkdownParser(sink)
  for (const piece of pieces) parser.write(piece)
  parser.end()
  return sink.markup()
}

const CASES: readonly (readonly [markdown: string, markup: string])[] = [
  ['plain', '<p>plain</p>'],
  ['one\ntwo\n\nthree', '<p>one<br></br>two</p><p>three</p>'],
  [
    '**bold** and *em* and ***both***',
    '<p><strong>bold</strong> and <em>em</em> and <strong><em>both</em></strong></p>',
  ],
  ['__b__ _e_ ~~gone~~', '<p><strong>b</strong> <em>e</em> <s>gone</s></p>'],
  ['snake_case_name and 2 * 3 * 4 and ~5', '<p>snake_case_name and 2 * 3 * 4 and ~5</p>'],
  ['**a*b**', '<p><strong>a*b</strong></p>'],
  ['**never closed', '<p>**never closed</p>'],
  ['a *b\n\nc', '<p>a *b</p><p>c</p>'],
  ['arr[0] and [1](x', '<p>arr[0] and [1](x</p>'],
  ['[t **b**](https://a.b/c_(d))', '<p><a https://a.b/c_(d)>t <strong>b</strong></a></p>'],
  ['![alt](https://a.b/i.png) wow!', '<p><a https://a.b/i.png>alt</a> wow!</p>'],
  [
    'see https://a.b/c_d, (https://e.f/g).',
    '<p>see <a https://a.b/c_d>https://a.b/c_d</a>, (<a https://e.f/g>https://e.f/g</a>).</p>',
  ],
  ['`a*b` ``c`d`` `open', '<p><code>a*b</code> <code>c`d</code> `open</p>'],
  ['\\*not\\* \\(x\\)', '<p>*not* \\(x\\)</p>'],
  ['# H *x*\n## I\ntext', '<h1>H <em>x</em></h1><h2>I</h2><p>text</p>'],
  ['#   Wide\n##', '<h1>Wide</h1><h2></h2>'],
  ['#hash', '<p>#hash</p>'],
  ['- a\n  - b\n- c', '<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>'],
  ['1. a\n  - b\n2. c', '<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>'],
  ['3. a\n\n4. b', '<ol 3><li>a</li><li>b</li></ol>'],
  ['In\n1986. A year', '<p>In<br></br>1986. A year</p>'],
  ['- [x] done\n- [ ] open', '<ul><li><box checked></box>done</li><li><box></box>open</li></ul>'],
  ['- a\n\n  more\n\nout', '<ul><li>a<p>more</p></li></ul><p>out</p>'],
  ['> q\n> r\n\nx', '<blockquote><p>q<br></br>r</p></blockquote><p>x</p>'],
  ['```ts\nconst a = `x`\n\n  b\n```\nafter', '<pre ts>const a = `x`\n\n  b</pre><p>after</p>'],
  ['1. x\n   ```\n   code\n   ```\n2. y', '<ol><li>x<pre>code</pre></li><li>y</li></ol>'],
  ['```\n```js\n````\nx', '<pre>```js</pre><p>x</p>'],
  ['```\ncut', '<pre>cut</pre>'],
  ['a\n\n---\n\nb', '<p>a</p><hr></hr><p>b</p>'],
  [
    '|a|b|\n|-|:-:|\n|1|`2`|\n\nx',
    '<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td><code>2</code></td></tr></table><p>x</p>',
  ],
  ['| not a table', '<p>| not a table</p>'],
  ['<b>x</b> & <script>', '<p><b>x</b> & <script></p>'],
]

describe('Markdown', () => {
  test.each(CASES)('%j', (markdown, markup) => {
    expect(read([markdown])).toBe(markup)
  })

  test('is the same however it is cut into pieces', () => {
    for (const [markdown, markup] of CASES) {
      expect(read(Array.from(markdown)), markdown).toBe(markup)
      for (let cut = 1; cut < markdown.length; cut++) {
        expect(read([markdown.slice(0, cut), markdown.slice(cut)]), `${cut}: ${markdown}`).toBe(markup)
      }
    }
  })

  /** Characters that mean something, close together. */
  const hostile = fc.array(
    fc.constantFrom(...Array.from('*_~`[]()!\\#->|1. \n\tahx:/"\'<&é😀'), '```', '> ', '- ', '1. ', 'https://', '|-|'),
    {
      maxLength: 120,
    },
  )

  test('any text in any pieces closes what it opens, and loses no letter', () => {
    fc.assert(
      fc.property(hostile, fc.array(fc.nat(9)), (parts, cuts) => {
        const markdown = parts.join('')
        const pieces: string[] = []
        let from = 0
        for (const cut of cuts) {
          pieces.push(markdown.slice(from, from + cut))
          from += cut
        }
        pieces.push(markdown.slice(from))
        const sink = tree()
        const parser = new MarkdownParser(sink)
        for (const piece of pieces) parser.write(piece)
        parser.end()
        const whole = tree()
        const once = new MarkdownParser(whole)
        once.write(markdown)
        once.end()
        expect(sink.markup()).toBe(whole.markup())
        const letters = (text: string): string => text.replace(/[^aé😀]/gu, '')
        // Words after a fence are its language, and addresses are not text.
        if (!/```|~~~|\]\(/.test(markdown)) expect(letters(sink.text$())).toBe(letters(markdown))
      }),
      { numRuns: 2_000 },
    )
  })

  test('nests no deeper than bounds allow', () => {
    for (const text of ['> '.repeat(500), '- '.repeat(500), '**a'.repeat(500), '['.repeat(500)]) {
      const depth = Math.max(
        ...[...read([`${text}x`]).matchAll(/^(?:<[a-z]\w*>)*/g)].map(([tags]) => tags.split('<').length),
      )
      expect(depth).toBeLessThan(40)
    }
    const list = Array.from({ length: 200 }, (_, level) => `${'  '.repeat(level)}- x`).join('\n')
    expect(/(?:<ul><li>x?){9}/.test(read([list]))).toBe(false)
  })

  test('takes time in proportion to its length', () => {
    // Each would take minutes if a held line were read anew with each piece.
    for (const text of ['|', '[', '`', '*', 'http://a', '](', '> ', '-', ' ', '#', '~~~', '\\']) {
      const sink = tree()
      const parser = new MarkdownParser(sink)
      for (let index = 0; index < 8_000; index++) parser.write(text)
      parser.end()
      expect(sink.markup().length).toBeGreaterThan(0)
    }
  })
})
