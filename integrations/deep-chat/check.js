/**
 * Chats by the page of docs/clients.md in Chromium, against a real server: an answer, an error, a broken connection. Exits with 1 where a
 * check fails. Needs `npm install` here and in the root of the repository.
 */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { serve } from '../../packages/streamstack/src/index.ts'
import { docBlocks } from '../../test/support/doc-blocks.ts'
import { faultProxy } from '../../test/support/fault-proxy.ts'

const here = import.meta.dirname
const executablePath = [process.env.CHROMIUM ?? '', '/usr/bin/chromium'].find((path) => existsSync(path))
if (executablePath === undefined) {
  console.error('There is no Chromium. Name one in CHROMIUM.')
  process.exit(2)
}

const documented = docBlocks(readFileSync(join(here, '../../docs/clients.md'), 'utf8')).find(({ text }) => text.includes('<deep-chat'))
if (documented === undefined) throw new Error('docs/clients.md has no page with deep-chat.')

const bundle = readFileSync(join(here, 'node_modules/deep-chat/dist/deepChat.bundle.js'))
let page = ''
const pages = createServer((request, response) => {
  const isScript = request.url === '/deepChat.bundle.js'
  response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html; charset=utf-8')
  response.end(isScript ? bundle : `<!doctype html><title>chat</title>${page}`)
})
await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${pages.address().port}`

const send = (content, more) => ({ function: 'Streaming API Response', content, ...more })
const endpoint = (path, stack) =>
  JSON.stringify({
    endpoint_settings: { method: 'POST', path },
    input_parameters: { message: { type: 'text', required: true } },
    function_stack: stack,
  })
const dir = await mkdtemp(join(tmpdir(), 'streamstack-deep-chat-'))
await mkdir(join(dir, 'endpoints'))
await writeFile(join(dir, 'streamstack.yaml'), JSON.stringify({ server: { cors: { origins: [origin] } }, log: { level: 'silent' } }))
const files = {
  hello: [send('Hello '), send('{{message}}, '), send('and\n**welcome** 👋', { delay: 20 })],
  done: [send('All '), send('done'), send('[DONE]')],
  fails: [send('Half an '), { function: 'Throw Error', code: 'shop_closed', message: 'The shop is closed.' }],
  slow: [{ function: 'For', count: 200, inner_functions: [send('word ', { delay: 10 })] }],
}
for (const [name, stack] of Object.entries(files)) {
  await writeFile(join(dir, `endpoints/${name}.json`), endpoint(`/api/${name}`, stack))
}
const server = await serve({ dir, port: 0 })
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-quic'] })

let failed = 0
function check(name, is, seen) {
  if (!is) failed++
  console.log(`${is ? 'ok  ' : 'FAIL'} ${name}${is ? '' : `: ${JSON.stringify(seen)}`}`)
}

/** Asks in a page of its own and gives the text of the messages once `until` is in them. */
async function ask(url, path, until, during = async () => undefined) {
  page = documented.text.replace('http://127.0.0.1:8080/api/hello', url + path)
  const tab = await browser.newPage()
  const faults = []
  tab.on('pageerror', ({ message }) => faults.push(message))
  await tab.goto(origin)
  await tab.waitForFunction(() => document.getElementById('chat').shadowRoot?.querySelector('#text-input') != null)
  await tab.evaluate(() => document.getElementById('chat').submitUserMessage({ text: 'Ada' }))
  const messages = tab.locator('deep-chat #messages')
  await during(messages)
  let text = ''
  for (let tries = 0; tries < 100 && !text.includes(until); tries++) {
    text = await messages.innerText()
    await tab.waitForTimeout(50)
  }
  await tab.close()
  return { text, faults }
}

try {
  const hello = await ask(server.url, '/api/hello', 'welcome')
  check('an answer is shown, chunk by chunk, as Markdown', /Hello Ada, and\s+welcome 👋/.test(hello.text), hello)
  check('the end of the stream is no message', !hello.text.includes('outcome') && !/error/i.test(hello.text), hello)
  check('no errors in the page', hello.faults.length === 0, hello.faults)

  const done = await ask(server.url, '/api/done', 'All done')
  check('[DONE] is not shown', done.text.includes('All done') && !done.text.includes('DONE]'), done)

  const fails = await ask(server.url, '/api/fails', 'The shop is closed.')
  check('an error in the stream is an error message', fails.text.includes('The shop is closed.'), fails)

  const proxy = await faultProxy(server.url)
  const cut = await ask(proxy.url, '/api/slow', 'rror', async (messages) => {
    await messages.getByText('word word').waitFor()
    proxy.arm({ direction: 'response', afterBytes: 0, kind: 'reset' })
  })
  await proxy[Symbol.asyncDispose]()
  check('a broken connection is an error message', /error|went wrong/i.test(cut.text), cut)
} finally {
  await browser.close()
  await server.close()
  pages.close()
  await rm(dir, { recursive: true, force: true })
}
console.log(failed === 0 ? 'all checks passed' : `${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
