import { expect, test } from 'vitest'
import { templateNames } from './templates/workspace.ts'
import { commandLine } from '@streamstack/test-support/command-line'

const ADA = ['--auth', '{"sub":"ada"}']

/** Calls of the endpoints of each template, and what they print. */
const calls: Readonly<Record<(typeof templateNames)[number], readonly [string[], RegExp][]>> = {
  starter: [[['GET', '/api/hello'], /^Hello, world!\n/]],
  chat: [
    [['POST', '/api/chat', '--input', '{"message":"Good day"}', '--format', 'text'], /^You said: Good day $/],
    [
      ['POST', '/api/chat', '--input', '{"message":"Again","conversation":"0123456789abcdef"}', '--format', 'text'],
      /^You said: Again $/,
    ],
  ],
  crud: [
    [['GET', '/api/tasks?done=true'], /^\[\{"id":1,[^\]]*\}\]\n$/],
    [['POST', '/api/tasks', '--input', '{"title":"New"}', ...ADA], /^\{"id":4,"title":"New","done":false,/],
    [['POST', '/api/tasks', '--input', '{"title":"  "}', ...ADA], /^$/],
    [['PATCH', '/api/tasks/4', '--input', '{"done":true}', ...ADA], /^\{"id":4,"title":"New","done":true,/],
    [['DELETE', '/api/tasks/1', ...ADA], /^\{"id":1,/],
    [['GET', '/api/tasks?limit=1'], /^\[\{"id":2,/],
  ],
  dashboard: [
    [['GET', '/api/live?seconds=1'], /^(\{"active_users":\d+,"requests_per_minute":\d+,"error_rate":[\d.]+\}\n){2}$/],
    [['GET', '/api/history'], /^\[\{"id":1,"day":"2026-11-24",/],
    [['POST', '/api/events', '--input', '{"text":"Deployed"}', ...ADA], /^reported\n$/],
  ],
}

test.each(templateNames)('the template %s has no problem, and its endpoints work at once', async (template) => {
  using line = commandLine()
  const made = await line.run('init', 'api', '--template', template)
  expect(made.code).toBe(0)
  const pages = template === 'dashboard' ? /^no problems in .*, 1 dashboard\n$/ : /^no problems/
  expect(await line.run('check', 'api')).toMatchObject({ code: 0, out: expect.stringMatching(pages) })
  expect((await line.run('check', 'api', '--security')).out).not.toMatch(/ (?:high|medium): /)
  for (const [[method = '', path = '', ...options], expected] of calls[template]) {
    const answer = await line.run('run', method, path, 'api', ...options)
    expect(answer.out, `${method} ${path}: ${answer.err}`).toMatch(expected)
  }
  const first = /Change (\S+) while/.exec(made.out)?.[1] ?? ''
  expect(made.out).toContain(`  ${first}\n`)
})

test('a template that does not exist is refused with those that do', async () => {
  using line = commandLine()
  const { code, err } = await line.run('init', 'api', '--template', 'shop')
  expect([code, err]).toEqual([1, expect.stringContaining('starter, chat, crud, dashboard')])
})
