/** Makes `docs/stream.svg`, the recording in the README: serves the examples, calls one, and writes each line down with the time at which it came. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { serve } from '../packages/streamstack/src/index.ts'

const PATH = '/api/poem'
const SHOWN_URL = 'http://127.0.0.1:8080'

/** How long the finished picture stands still before it starts anew, and how long after the command the first byte is asked for. */
const REST_MS = 3_000
const TYPING_MS = 900

const LINE_HEIGHT = 21
const WIDTH = 640

interface Line {
  readonly text: string
  readonly atMs: number
}

const root = dirname(import.meta.dirname)
const lines = await record()
writeFileSync(join(root, 'docs/stream.svg'), picture(`$ curl -N ${SHOWN_URL}${PATH}`, lines))
console.log(`docs/stream.svg: ${lines.length} lines in ${lines.at(-1)?.atMs ?? 0} ms`)

/** Calls the endpoint as a user would, with curl. */
async function record(): Promise<Line[]> {
  const data = mkdtempSync(join(tmpdir(), 'streamstack-'))
  const server = await serve({ dir: join(root, 'examples'), port: 0, data })
  try {
    const started = performance.now()
    const curl = spawn('curl', ['-sN', `${server.url}${PATH}`], { stdio: ['ignore', 'pipe', 'inherit'] })
    const found: Line[] = []
    createInterface({ input: curl.stdout }).on('line', (text) => {
      found.push({ text, atMs: Math.round(performance.now() - started) })
    })
    const [exitCode] = await once(curl, 'close')
    if (exitCode !== 0) throw new Error(`curl ended with ${String(exitCode)}`)
    return found
  } finally {
    await server.close()
    rmSync(data, { recursive: true, force: true })
  }
}

/** A terminal whose lines appear at their times, with CSS alone: images in a README run no scripts. Where motion is not wanted, all lines stand there at once. */
function picture(command: string, recorded: readonly Line[]): string {
  const totalMs = TYPING_MS + (recorded.at(-1)?.atMs ?? 0) + REST_MS
  const height = 62 + (recorded.length + 1) * LINE_HEIGHT
  const appearances = recorded.map(({ atMs }, index) => {
    const share = (((TYPING_MS + atMs) / totalMs) * 100).toFixed(2)
    return `@keyframes line${index}{0%,${share}%{opacity:0}${(Number(share) + 0.01).toFixed(2)}%,100%{opacity:1}}#l${index}{animation-name:line${index}}`
  })
  const texts = recorded.map(
    ({ text }, index) => `<text id="l${index}" class="line" x="20" y="${rowY(index + 1)}">${escaped(text)}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="A stream arriving line by line in a terminal">
<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d5dbe5;white-space:pre}.command{fill:#7ee0a8}.line{animation:${totalMs}ms linear infinite}${appearances.join('')}@media (prefers-reduced-motion:reduce){.line{animation:none}}</style>
<rect width="${WIDTH}" height="${height}" rx="10" fill="#151a23"/>
<circle cx="22" cy="20" r="5.5" fill="#ff6159"/><circle cx="42" cy="20" r="5.5" fill="#ffbd2e"/><circle cx="62" cy="20" r="5.5" fill="#28c941"/>
<text class="command" x="20" y="${rowY(0)}">${escaped(command)}</text>
${texts.join('\n')}
</svg>
`
}

function rowY(row: number): number {
  return 58 + row * LINE_HEIGHT
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
