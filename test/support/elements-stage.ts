import { existsSync } from 'node:fs'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core'
import { elementsFiles } from '../../scripts/elements-bundle.ts'

/** The Chromium of this machine; undefined where there is none. */
export const chromiumPath = [process.env['CHROMIUM'] ?? '', '/usr/bin/chromium'].find((path) => existsSync(path))

const FLAGS =
  '--no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

/** A page may run our script, and nothing that is written into it; styles come as constructed sheets. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src *; img-src 'self'; require-trusted-types-for 'script'; trusted-types lit-html"

/** An answer that the test writes, chunk by chunk, in NDJSON as a Streamstack server does. */
export interface Script {
  readonly request: IncomingMessage
  readonly body: unknown
  readonly response: ServerResponse
  readonly chunk: (content: unknown, metadata?: object | null, kind?: string) => void
  readonly end: (outcome?: string, error?: object | null) => void
  /** Breaks the connection. */
  readonly cut: () => void
  /** Resolves when the caller has cancelled or gone. */
  readonly gone: Promise<void>
}

export interface Stage extends AsyncDisposable {
  readonly url: string
  readonly browser: Browser
  /** Answers requests to a path. */
  answer(path: string, play: (script: Script) => void | Promise<void>): void
  /** Answers requests to a path with anything. */
  raw(path: string, handle: (request: IncomingMessage, response: ServerResponse, body: string) => void): void
  /** Opens a page with this body; what goes wrong in it is in `faults`. */
  open(body: string, options?: OpenOptions): Promise<StagePage>
  /** Runs that callers cancelled. */
  readonly cancelled: string[]
}

export interface OpenOptions extends BrowserContextOptions {
  /** Runs in the page before the elements are defined. */
  prepare?: string
  /** Attributes of the `html` element. */
  html?: string
  /** Rules of the page. */
  css?: string
}

export interface StagePage extends AsyncDisposable {
  readonly page: Page
  /** Errors, violations of the policy, and messages of the console that are errors. */
  readonly faults: string[]
  /** Runs code in the page; `$` finds an element. */
  run<T>(code: string): Promise<T>
}

/** A server of pages and of scripted streams, and a browser. */
export async function elementsStage(): Promise<Stage> {
  const files = await elementsFiles()
  const routes = new Map<string, (request: IncomingMessage, response: ServerResponse, body: string) => void>()
  const pages = new Map<string, string>()
  const cancelled: string[] = []
  let runs = 0
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const path = (request.url ?? '/').split('?')[0] ?? '/'
      const script = path === '/favicon.ico' ? '' : files[path.slice(1)]
      const page = pages.get(path)
      const cancel = /^\/v1\/runs\/([^/]+)\/cancel$/.exec(path)?.[1]
      if (script !== undefined) send(response, 'text/javascript', script)
      else if (page !== undefined) {
        response.setHeader('Content-Security-Policy', POLICY)
        send(response, 'text/html', page)
      } else if (cancel !== undefined) {
        cancelled.push(cancel)
        send(response, 'application/json', '{}')
      } else if (routes.has(path)) routes.get(path)?.(request, response, Buffer.concat(pieces).toString())
      else response.writeHead(404).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const browser = await chromium.launch({ executablePath: chromiumPath ?? '', headless: true, args: FLAGS.split(' ') })
  return {
    url,
    browser,
    cancelled,
    raw: (path, handle) => void routes.set(path, handle),
    answer(path, play) {
      routes.set(path, (request, response, body) => {
        const run = `run-${++runs}`
        let offset = 0
        let isOpen = false
        const line = (value: object): void => {
          if (!isOpen) {
            response.writeHead(200, {
              'Content-Type': 'application/x-ndjson',
              'Stream-Run': run,
              'Stream-Url': `/v1/stream/runs/${run}`,
            })
          }
          isOpen = true
          response.write(`${JSON.stringify(value)}\n`)
        }
        const gone = new Promise<void>((resolve) => response.on('close', () => resolve()))
        void play({
          request,
          response,
          body: body === '' ? null : (JSON.parse(body) as unknown),
          gone,
          chunk(content, metadata = null, kind) {
            const named = kind === undefined ? {} : { kind }
            line({ offset: ++offset, type: 'chunk', ...named, content, metadata })
          },
          end(outcome = 'completed', error = null) {
            line({ type: 'end', outcome, offset, error })
            response.end()
          },
          cut: () => response.destroy(),
        })
      })
    },
    async open(body, { prepare = '', html = '', css = '', ...options } = {}) {
      const path = `/page-${pages.size}`
      const prelude = `/prelude-${pages.size}`
      files[prelude.slice(1)] = `window.faults = []
addEventListener('securitypolicyviolation', (event) => faults.push(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample))
window.$ = (query) => document.querySelector(query)
${prepare}`
      const sheet = `/sheet-${pages.size}`
      routes.set(sheet, (_request, response) => send(response, 'text/css', `${PAGE_STYLES}\n${css}`))
      pages.set(
        path,
        `<!doctype html><html lang="en" ${html}><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Stage</title><link rel="stylesheet" href="${sheet}"><script src="${prelude}"></script><script src="/elements.js" defer></script><body><main>${body}</main></body></html>`,
      )
      const context = await browser.newContext({ ...options })
      const page = await context.newPage()
      const faults: string[] = []
      page.on('pageerror', (error) => faults.push(error.message))
      page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
      await page.goto(url + path)
      return {
        page,
        faults,
        run: (code) => page.evaluate(`(async () => { ${code} })()`),
        async [Symbol.asyncDispose]() {
          await context.close()
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const PAGE_STYLES = `
:root { color-scheme: light dark }
body { margin: 0; background: light-dark(#f7f8fa, #0d1014); color: light-dark(#16191d, #e7eaee); font: 14px/1.45 system-ui, sans-serif }
main { padding: 24px }`

function send(response: ServerResponse, type: string, text: string): void {
  response.setHeader('Content-Type', `${type}; charset=utf-8`)
  response.end(text)
}
