import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { gzip as gzipWithCallback } from 'node:zlib'
import { promisify } from 'node:util'
import { StreamstackError } from '@streamstack/protocol'
import type { Exchange } from './exchange.ts'
import type { Operation } from './route.ts'

const gzip = promisify(gzipWithCallback)

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
}

/** A file that pages load, in the forms in which it is sent. */
interface PageFile {
  readonly plain: Buffer
  readonly zipped: Buffer
  readonly contentType: string
  readonly etag: string
}

/** Files of `@streamstack/elements` that pages may load; each is read once. */
const files = new Map<string, Promise<PageFile>>()
const NAMES = new Set(['elements.js', 'elements/charts.js', 'elements/dashboard-page.js', 'elements/page.css'])

/** All elements as one script, for pages anywhere. */
export const serveElements: Operation = {
  summary: 'The custom elements as one script, for any page: `<script src="…/elements.js" defer></script>`.',
  answers: 'whole',
  handle: (exchange) => send(exchange, 'elements.js'),
}

/** What `elements.js` loads when a page needs it. */
export const serveElementsPart: Operation = {
  summary: 'Parts of the custom elements that their script loads when a page needs them.',
  answers: 'whole',
  handle: (exchange) => send(exchange, `elements/${exchange.parameters['name'] ?? ''}`),
}

async function send({ request, response, corsHeaders }: Exchange, name: string): Promise<void> {
  if (!NAMES.has(name)) throw new StreamstackError('endpoint_unknown', 'The elements have no such part.')
  let file: PageFile
  try {
    file = await (files.get(name) ?? read(name))
  } catch (cause) {
    files.delete(name)
    throw new StreamstackError('unavailable', 'The elements are not built. Run `npm run build`.', {
      recoverable: false,
      cause,
    })
  }
  const headers = {
    ...corsHeaders,
    // The same for every caller, and meant for pages of other origins; browsers fetch module scripts with CORS.
    'Access-Control-Allow-Origin': '*',
    'Cross-Origin-Resource-Policy': 'cross-origin',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'public, max-age=300',
    ETag: file.etag,
    Vary: 'Accept-Encoding',
  }
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304, headers).end()
    return
  }
  const isZipped = /\bgzip\b(?!\s*;\s*q=0(?:\.0+)?\s*(?:,|$))/i.test(request.headers['accept-encoding'] ?? '')
  const body = isZipped ? file.zipped : file.plain
  response.writeHead(200, {
    ...headers,
    ...(isZipped ? { 'Content-Encoding': 'gzip' } : {}),
    'Content-Type': file.contentType,
    'Content-Length': body.byteLength,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function read(name: string): Promise<PageFile> {
  const reading = readPageFile(name)
  files.set(name, reading)
  return reading
}

async function readPageFile(name: string): Promise<PageFile> {
  const home = dirname(createRequire(import.meta.url).resolve('@streamstack/elements/package.json'))
  const plain = await readFile(join(home, 'dist/browser', name))
  const hash = createHash('sha256').update(plain).digest('base64url').slice(0, 22)
  const extension = name.split('.').at(-1) ?? ''
  return { plain, zipped: await gzip(plain), contentType: TYPES[extension] ?? 'text/plain', etag: `"${hash}"` }
}
