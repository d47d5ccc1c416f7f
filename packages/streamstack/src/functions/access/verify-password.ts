import { hasPasswordHashes, verifyPassword } from '../../access/index.ts'
import { action } from '../parts/action.ts'
import { textArgument } from '../parts/arguments.ts'

export const verifyPasswordFunction = action({
  name: 'Verify Password',
  aliases: ['Check Password', 'Validate Password'],
  summary:
    'Whether a password is the one of a hash of Hash Password. Without a hash it is false after the same time, so that the time does not reveal which users exist.',
  parameters: {
    password: { kind: 'value', summary: 'The password as the caller sent it.', type: 'text', required: true },
    hash: {
      kind: 'value',
      summary: 'The stored hash (argon2id, PHC format); null: there is no such user.',
      type: 'text',
      required: true,
      aliases: ['password_hash'],
    },
  },
  hasResult: true,
  resultDefault: 'is_valid',
  examples: [
    {
      title: 'The right password and a wrong one',
      stack: [
        { function: 'Hash Password', password: 'open sesame' },
        { function: 'Verify Password', password: 'open sesame', hash: '{{password_hash}}' },
        { function: 'Streaming API Response', content: '{{is_valid}}' },
        { function: 'Verify Password', password: 'Open sesame', hash: '{{password_hash}}' },
        { function: 'Streaming API Response', content: '{{is_valid}}' },
      ],
      sends: [true, false],
    },
    {
      title: 'No such user',
      stack: [
        { step: 'Unknown user', variables: { user: null } },
        { function: 'Verify Password', password: 'open sesame', hash: '{{user?.password_hash}}' },
        { function: 'Streaming API Response', content: '{{is_valid}}' },
      ],
      sends: [false],
    },
  ],
  prepare(step, compiler) {
    if (!hasPasswordHashes) {
      compiler.issue('error', `Verify Password needs Node.js 24.7 or later; this is ${process.version}.`, step.position)
    }
    const password = textArgument(step, compiler, 'password')
    const hash = textArgument(step, compiler, 'hash')
    return (frame, strand) => {
      const stored = hash(frame)
      return strand.untilEnded(verifyPassword(password(frame), stored === '' ? null : stored))
    }
  },
})
