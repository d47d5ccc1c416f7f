/** Builds the component and uses it as WeWeb does, in Chromium, against a real server. Exits with 1 where a check fails. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { serve } from '../../../packages/streamstack/src/index.ts'

const folder = dirname(import.meta.dirname)
const executablePath = [process.env.CHROMIUM ?? '', '/usr/bin/chromium'].find((path) => existsSync(path))
if (executablePath === undefined) {
  console.error('There is no Chromium. Name one in CHROMIUM.')
  process.exit(2)
}
if (spawnSync(process.execPath, [join(folder, 'scripts/build.mjs')], { stdio: 'inherit' }).status !== 0) process.exit(1)

/** What WeWeb gives a component, as far as this one uses it. */
const HOST = `
window.log = { events: [], variables: {} }
window.wwLib = {
  getFrontWindow: () => window,
  wwVariable: {
    useComponentVariable({ name, defaultValue }) {
      const value = Vue.ref(defaultValue)
      log.variables[name] = value
      return { value, setValue: (next) => { value.value = next } }
    },
  },
}
window.addWwComponent = (component) => { window.component = component }
window.mountComponent = (content) => {
  window.content = Vue.reactive({ ...content })
  window.app = Vue.createApp({
    render: () => Vue.h(component.content, {
      ref: 'it', uid: 'u1', content: window.content, wwEditorState: {},
      onTriggerEvent: (event) => log.events.push(JSON.parse(JSON.stringify(event))),
    }),
  })
  window.instance = app.mount('#app').$refs.it
}
window.variable = (name) => JSON.parse(JSON.stringify(log.variables[name].value ?? null))
`

const FILES = {
  '/': ['text/html', '<!doctype html><title>host</title><div id="app"></div><script src="/vue.js"></script><script src="/host.js"></script><script src="/manager.js"></script>'],
  '/vue.js': ['text/javascript', readFileSync(join(folder, 'node_modules/vue/dist/vue.runtime.global.prod.js'))],
  '/host.js': ['text/javascript', HOST],
  '/manager.js': ['text/javascript', readFileSync(join(folder, 'dist/manager.js'))],
}

const endpoint = (method, path, stack, more = {}) =>
  JSON.stringify({ endpoint_settings: { method, path, ...more }, function_stack: stack })
const send = (content, metadata) => ({ function: 'Streaming API Response', content, ...(metadata ? { metadata } : {}) })

let failed = 0
function check(name, is, seen = '') {
  if (!is) failed++
  console.log(`${is ? 'ok  ' : 'FAIL'} ${name}${is ? '' : `: ${JSON.stringify(seen)}`}`)
}

const pages = createServer((request, response) => {
  const [type, body] = FILES[request.url] ?? ['text/plain', '']
  response.setHeader('Content-Type', `${type}; charset=utf-8`)
  response.end(body)
})
await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${pages.address().port}`
const dir = await mkdtemp(join(tmpdir(), 'streamstack-weweb-'))
await mkdir(join(dir, 'endpoints'))
await writeFile(join(dir, 'streamstack.yaml'), JSON.stringify({ server: { cors: { origins: [origin] } }, log: { level: 'silent' } }))
await writeFile(join(dir, 'endpoints/chat.json'), JSON.stringify({
  endpoint_settings: { method: 'POST', path: '/api/chat' },
  input_parameters: { message: { type: 'text', required: true }, tone: { type: 'text', default: 'none' } },
  function_stack: [send('You said {{message}}, '), send('tone {{tone}}')],
}))
await writeFile(join(dir, 'endpoints/numbers.json'), endpoint('GET', '/api/numbers', [
  send({ n: 3, event: 'began' }, { progress_percentage: 50 }),
  send({ n: 7, event: 'ended' }, { progress_percentage: 100 }),
]))
await writeFile(join(dir, 'endpoints/endless.json'), endpoint('GET', '/api/endless', [
  { function: 'While Loop', condition: 'true', inner_functions: [send('tick'), { function: 'Sleep', duration: '20ms' }] },
]))
const server = await serve({ dir, port: 0 })
const browser = await chromium.launch({ executablePath, headless: true, args: ['--no-sandbox', '--disable-quic'] })

/** Mounts the component on a page of its own. */
async function mounted(content) {
  const page = await browser.newPage()
  page.faults = []
  page.on('pageerror', ({ message }) => page.faults.push(message))
  await page.goto(origin)
  await page.evaluate((given) => mountComponent(given), { server: server.url, ...content })
  return page
}
const until = (page, expression) => page.waitForFunction(expression, null, { timeout: 8_000 }).then(() => true, () => false)
const ended = (page) => until(page, `variable('outcome') !== ''`)
const names = (page) => page.evaluate(() => [...new Set(log.events.map(({ name }) => name))])

try {
  {
    const page = await mounted({ element: 'stream-chat', src: '/api/chat', body: { tone: 'kind' }, heading: 'Support' })
    await until(page, `document.querySelector('stream-chat') !== null`)
    await page.evaluate(() => instance.send('Hello'))
    check('chat: the action sends a question, and the answer arrives', await ended(page))
    check('chat: the answer is shown', (await page.locator('stream-chat .md').innerText()).includes('You said Hello, tone kind'))
    check('chat: the heading is shown', await until(page, `document.querySelector('stream-chat').shadowRoot.textContent.includes('Support')`))
    const seen = await page.evaluate(() => [variable('outcome'), variable('chunkCount'), variable('lastChunk')])
    check('chat: variables tell outcome, count and last chunk', JSON.stringify(seen) === '["completed",2,"tone kind"]', seen)
    const told = await names(page)
    check('chat: triggers', ['chat-sent', 'started', 'chunk', 'ended'].every((name) => told.includes(name)), told)
    check('chat: no errors in the page', page.faults.length === 0, page.faults)
    await page.evaluate(() => { content.heading = 'Sales' })
    check('chat: a changed setting reaches the same element', await until(page, `document.querySelector('stream-chat').heading === 'Sales' && document.querySelector('stream-chat').messages.length === 2`))
    await page.evaluate(() => { content.options = { innerHTML: 'x' } })
    check('options: unknown names are refused and named', await until(page, `document.querySelector('.streamstack-problem')?.textContent.includes('"innerHTML"')`))
    await page.close()
  }
  for (const [element, more] of [
    ['stream-progress', {}],
    ['metric-card', { path: 'n', unit: 'items' }],
    ['live-chart', { type: 'bar', options: { countBy: 'event' } }],
    ['activity-feed', {}],
  ]) {
    const page = await mounted({ element, src: '/api/numbers', heading: 'Numbers', ...more })
    check(`${element}: reads its source to the end`, await ended(page), await names(page))
    const content = await page.evaluate(() => variable('lastChunk'))
    check(`${element}: the last chunk is a variable`, content?.n === 7, content)
    if (element === 'metric-card') check('metric-card: shows the number', await until(page, `document.querySelector('metric-card').shadowRoot.textContent.includes('7')`))
    check(`${element}: no errors in the page`, page.faults.length === 0, page.faults)
    await page.close()
  }
  {
    const page = await mounted({ element: 'stream-progress', src: '/api/endless', manual: true })
    await until(page, `document.querySelector('stream-progress') !== null`)
    check('manual: nothing is read before the action', (await page.evaluate(() => variable('chunkCount'))) === 0)
    await page.evaluate(() => instance.start())
    check('manual: the action starts', await until(page, `variable('chunkCount') > 2`))
    await page.evaluate(() => instance.stop())
    check('stop: the run ends', await ended(page), await page.evaluate(() => log.events.slice(-3)))
    check('stop: as cancelled', (await page.evaluate(() => variable('outcome'))) === 'cancelled', await page.evaluate(() => variable('outcome')))
    await page.evaluate(() => app.unmount())
    check('unmount: the element is gone', (await page.locator('stream-progress').count()) === 0)
    await page.close()
  }
  {
    const page = await mounted({ server: '', src: '/api/chat' })
    check('without a server the component says what is missing', await until(page, `document.querySelector('.streamstack-problem')?.textContent.includes('Server')`))
    await page.evaluate((url) => { content.server = url }, server.url)
    check('and works as soon as there is one', await until(page, `document.querySelector('stream-chat') !== null && document.querySelector('.streamstack-problem') === null`))
    await page.close()
  }
} finally {
  await browser.close()
  await server.close()
  pages.close()
  await rm(dir, { recursive: true, force: true })
}
console.log(failed === 0 ? 'all checks passed' : `${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
