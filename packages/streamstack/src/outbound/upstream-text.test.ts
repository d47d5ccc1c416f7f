import { expect, test } from 'vitest'
import { credentialsIn, upstreamText } from './upstream-text.ts'

const KEY = 'sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH'

test('what an upstream said reaches the log without keys and without what it was sent', () => {
  const sent = credentialsIn({
    Authorization: 'Bearer plain-credential',
    'x-api-key': 'another-one-77',
    cookie: 'a=1',
    Accept: 'application/json',
  })
  const told = `Wrong key ${KEY}; got "Bearer plain-credential", plain-credential and another-one-77 for application/json.`
  const { message, stack } = upstreamText(told, sent)
  expect(message).toBe('Wrong key [secret]; got "[secret]", [secret] and [secret] for application/json.')
  for (const secret of [KEY, 'plain-credential', 'another-one-77']) expect(stack).not.toContain(secret)
})

test('a key that the end of the excerpt would cut is hidden whole', () => {
  const { message } = upstreamText(`${'x '.repeat(500)}${KEY}`)
  expect(message).toMatch(/x \[secret\]$/)
  expect(upstreamText('y '.repeat(5_000)).message).toHaveLength(1024)
})
