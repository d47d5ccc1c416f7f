import { hashPassword, hasPasswordHashes } from '../../access/index.ts'
import { action } from '../parts/action.ts'
import { textArgument } from '../parts/arguments.ts'

export const hashPasswordFunction = action({
  name: 'Hash Password',
  aliases: ['Create Password Hash', 'Generate Password Hash'],
  summary: 'Hashes a password with argon2id, for a private column. Other runs continue meanwhile.',
  parameters: {
    password: {
      kind: 'value',
      summary: 'The password, 1 to 1,024 bytes.',
      type: 'text',
      required: true,
      aliases: ['text', 'value'],
    },
  },
  hasResult: true,
  resultDefault: 'password_hash',
  examples: [
    {
      title: 'The hash of a new user',
      inputs: { password: 'correct horse battery staple' },
      stack: [
        { function: 'Hash Password', password: '{{password}}' },
        {
          function: 'Streaming API Response',
          content: "{{password_hash.startsWith('$argon2id$v=19$m=19456,t=2,p=1$')}}",
        },
      ],
      sends: [true],
    },
    {
      title: 'Without a password',
      inputs: { password: '' },
      stack: [{ function: 'Hash Password', password: '{{password}}' }],
      sends: [],
      fails: 'input_invalid',
    },
  ],
  prepare(step, compiler) {
    if (!hasPasswordHashes) {
      compiler.issue('error', `Hash Password needs Node.js 24.7 or later; this is ${process.version}.`, step.position)
    }
    const password = textArgument(step, compiler, 'password')
    return (frame, strand) => strand.untilEnded(hashPassword(password(frame)))
  },
})
