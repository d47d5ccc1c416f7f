import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

/** The command line as a process of its own; with `leave`, its output is closed. */
async function runProcess(leave: boolean): Promise<{ code: unknown; out: string; err: string }> {
  const main = new URL('main.ts', import.meta.url).href
  const script = `const { main } = await import(${JSON.stringify(main)}); await main(['schema', 'endpoint'])`
  const flags = ['--conditions=streamstack-source', '--input-type=module']
  const child = spawn(process.execPath, [...flags, '--eval', script], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  if (leave) child.stdout.destroy()
  const [out, err] = await Promise.all([leave ? '' : text(child.stdout), text(child.stderr)])
  const [code] = await ended
  return { code, out, err }
}

test('a command whose reader has left ends quietly', async () => {
  expect(await runProcess(true)).toEqual({ code: 0, out: '', err: '' })
})

test('a command whose reader stays writes everything', async () => {
  const { code, out, err } = await runProcess(false)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(JSON.parse(out)).toHaveProperty('$schema')
})
