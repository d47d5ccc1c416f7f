/**
 * Runs the code of WeWeb's own REST API and Xano plugins in Chromium against a real server, and checks what arrives in their variables.
 * `npm run check:plugins` clones both plugins from GitHub; `npm run check:plugins -- <plugin-rest-api> <plugin-xano>` takes them from folders.
 * Exits with 1 where a check fails.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { rolldown } from 'rolldown'
import { serve } from '../../../packages/streamstack/src/index.ts'

const here = dirname(import.meta.dirname)
const root = join(here, '../..')
const executablePath = [process.env.CHROMIUM ?? '', '/usr/bin/chromium'].find((path) => existsSync(path))
if (executablePath === undefined) {
  console.error('There is no Chromium. Name one in CHROMIUM.')
  process.exit(2)
}
const dir = await mkdtemp(join(tmpdir(), 'streamstack-weweb-plugins-'))
const [rest, xano] = ['plugin-rest-api', 'plugin-xano'].map((name, index) => {
  const given = process.argv[2 + index]
  if (given !== undefined) return resolve(given)
  const folder = join(dir, name)
  execFileSync('git', ['clone', '--quiet', '--depth', '1', `https://github.com/weweb-assets/${name}`, folder], { stdio: 'inherit' })
  return folder
})

/** A plugin as WeWeb builds it for a page: without the parts for the editor. */
async function built(folder, name) {
  const bundle = await rolldown({
    input: join(folder, 'src/wwPlugin.js'),
    platform: 'browser',
    resolve: { alias: { qs: join(here, 'node_modules/qs'), '@xano/js-sdk': join(root, 'node_modules/xano-js-sdk-2') } },
    plugins: [
      {
        name: 'without-editor',
        transform: (code, id) => (id.startsWith(folder) ? code.replaceAll(/\/\* wwEditor:start \*\/[^]*?\/\* wwEditor:end \*\//g, '') : null),
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'iife', name, exports: 'named' })
  return output[0].code
}

/** What WeWeb gives a plugin, as far as these two use it. */
const HOST = `
window.variables = {}
window.wwLib = {
  wwVariable: {
    getValue: (id) => variables[id],
    updateValue: (id, value) => { variables[id] = value },
  },
  wwPlugins: { xano: { settings: { publicData: { globalHeaders: [] } } } },
  globalContext: { browser: { environment: 'production' } },
  wwFormula: { getValue: (value) => value },
  wwWorkflow: { executeTrigger() {} },
}
window.plugin = (built, settings) => {
  const made = { ...built.default, id: 'p1', settings }
  return made
}
`
const scripts = { '/host.js': HOST, '/rest.js': await built(rest, 'rest'), '/xano.js': await built(xano, 'xano') }
const pages = createServer((request, response) => {
  const script = scripts[request.url]
  response.setHeader('Content-Type', script === undefined ? 'text/html' : 'text/javascript; charset=utf-8')
  response.end(script ?? `<!doctype html>${Object.keys(scripts).map((src) => `<script src="${src}"></script>`).join('')}`)
})
await new Promise((done) => pages.listen(0, '127.0.0.1', done))
const origin = `http://127.0.0.1:${pages.address().port}`

const send = (content, metadata) => ({ function: 'Streaming API Response', content, ...(metadata && { metadata }) })
const endpoint = (path, stack, method = 'POST') =>
  JSON.stringify({
    endpoint_settings: { method, path },
    input_parameters: { message: { type: 'text', default: 'nothing' } },
    function_stack: stack,
  })
await mkdir(join(dir, 'workspace/endpoints'), { recursive: true })
const files = {
  'streamstack.yaml': JSON.stringify({ server: { xano: true, cors: { origins: [origin] } }, log: { level: 'silent' } }),
  'endpoints/chat.json': endpoint('/api/chat', [send('You said: '), send('{{message}}'), send({ rows: [1] }), send('two\nlines'), send('[DONE]')]),
  'endpoints/open.json': endpoint('/api/open', [send('only')]),
  'endpoints/fails.json': endpoint('/api/fails', [send('half'), { function: 'Throw Error', code: 'shop_closed', message: 'The shop is closed.' }]),
  'endpoints/read.json': endpoint('/api/read', [send('{{message}}'), send('[DONE]')], 'GET'),
}
for (const [file, text] of Object.entries(files)) await writeFile(join(dir, 'workspace', file), text)
const server = await serve({ dir: join(dir, 'workspace'), port: 0 })
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-quic'] })
const page = await browser.newPage()
await page.goto(origin)

let failed = 0
function check(name, seen, wanted) {
  const is = wanted instanceof RegExp ? wanted.test(String(seen)) : JSON.stringify(seen) === JSON.stringify(wanted)
  if (!is) failed++
  console.log(`${is ? 'ok  ' : 'FAIL'} ${name}${is ? '' : `: ${JSON.stringify(seen)}`}`)
}

/** The variable after a request, or the message of what it threw. */
const restRequest = (request) =>
  page.evaluate(
    async (given) => {
      try {
        return await plugin(rest, {}).apiRequest({ useStreaming: true, streamVariableId: 'v', useRawBody: true, headers: [], ...given })
      } catch (error) {
        return `${error.message} after ${JSON.stringify(variables.v)}`
      }
    },
    { ...request, url: server.url + request.url },
  )
const xanoRequest = (path, method, request) =>
  page.evaluate(
    async ([base, to, verb, given]) => {
      variables.x = []
      const made = plugin(xano, { publicData: { customDomain: new URL(base).hostname, withCredentials: false } })
      await made._onLoad(made.settings)
      try {
        return await made.request({ apiGroupUrl: `${base}/api:AbC-12`, endpoint: { path: to, method: verb }, streamVariableId: 'x', useStreaming: true, ...given })
      } catch (error) {
        return `${error.message} after ${JSON.stringify(variables.x)}`
      }
    },
    [server.url, path, method, request],
  )

try {
  const body = JSON.stringify({ message: 'Hi' })
  check('REST: texts keep their spaces, objects arrive as objects, [DONE] ends the list', await restRequest({ url: '/api/chat', method: 'POST', data: body }), ['You said: ', 'Hi', { rows: [1] }, 'two\nlines'])
  check('REST: without [DONE] the end of the stream is the last entry', await restRequest({ url: '/api/open', method: 'POST', data: body }), ['only', { outcome: 'completed', offset: 1, error: null }])
  check('REST: an error in the stream is an entry', JSON.stringify(await restRequest({ url: '/api/fails', method: 'POST', data: body })), /^\["half",\{"code":"shop_closed"/)
  check('REST: a bound object is refused, and the answer says what to bind', await restRequest({ url: '/api/chat', method: 'POST', data: { message: 'Hi' } }), /HTTP error 400.*raw/s)
  check('REST: GET streams', await restRequest({ url: '/api/read?message=Hi', method: 'GET' }), ['Hi'])
  check('REST: query parameters of the plugin are dropped', await restRequest({ url: '/api/read', method: 'GET', queries: [{ key: 'message', value: 'Hi' }] }), ['nothing'])

  const said = ['You said: ', 'Hi', '{"rows":[1]}', 'two\nlines', '[DONE]']
  check('Xano: every chunk is an entry, as text', await xanoRequest('/chat', 'post', { body: { message: 'Hi' } }), said)
  check('Xano: the same where the plugin sends Content-Type: text/event-stream', await xanoRequest('/chat', 'post', { body: { message: 'Hi' }, dataType: 'text/event-stream' }), said)
  check('Xano: GET streams, with its parameters', await xanoRequest('/read', 'get', { parameters: { message: 'Hi' } }), ['Hi', '[DONE]'])
  check('Xano: a failure rejects after what had arrived', await xanoRequest('/fails', 'post', { body: {} }), /after \["half"\]$/)
} finally {
  await browser.close()
  await server.close()
  pages.close()
  await rm(dir, { recursive: true, force: true })
}
console.log(failed === 0 ? 'all checks passed' : `${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
