import { type ConversationRole, said } from '../../conversation/index.ts'
import { action } from '../parts/action.ts'
import { textArgument } from '../parts/arguments.ts'
import { stepError } from '../parts/step-error.ts'

const ROLES = ['user', 'assistant', 'system'] as const

export const appendMessage = action({
  name: 'Append Message',
  aliases: ['Save Message', 'Add Message'],
  summary:
    'Appends a message to a stored conversation of the caller at once, and makes the conversation if there is none. The result is `{id, position}`.',
  parameters: {
    id: {
      kind: 'value',
      summary: 'Names the conversation, as in Load Conversation.',
      type: 'text',
      required: true,
      aliases: ['conversation_id'],
    },
    role: {
      kind: 'literal',
      summary: 'Who says it. A system message holds for the whole conversation.',
      type: 'text',
      values: ROLES,
      default: 'user',
    },
    content: {
      kind: 'value',
      summary: 'Text of the message.',
      type: 'text',
      required: true,
      aliases: ['message', 'text'],
    },
  },
  hasResult: true,
  examples: [
    {
      title: 'A greeting that the conversation begins with',
      stack: [
        {
          function: 'Append Message',
          id: 'd1c8d4a0-54fc-4f44-9a8e-3f1f6f0c2b7e',
          role: 'assistant',
          content: 'Welcome!',
          as: 'stored',
        },
        { function: 'Streaming API Response', content: '{{stored.position}}' },
      ],
      sends: [1],
    },
    {
      title: 'An id that others could guess, from a caller without a token',
      stack: [{ function: 'Append Message', id: 'chat', content: 'Hello' }],
      sends: [],
      fails: 'input_invalid',
    },
  ],
  prepare(step, compiler) {
    const id = textArgument(step, compiler, 'id')
    const content = textArgument(step, compiler, 'content')
    const role = (step.parameters['role']?.value ?? 'user') as ConversationRole
    return async (frame, strand) => {
      const { run } = strand
      const { conversations } = run.services
      const owner = run.state.subject ?? ''
      const name = id(frame)
      const text = content(frame)
      if (text === '') throw stepError(step, "'content' is empty.", 'input_invalid')
      const isOwn = run.state.conversation?.id === name
      const { granted, abandon } = conversations.acquire(owner, name, run.id)
      try {
        if (granted !== null) await strand.untilEnded(granted)
        const [stored] = await conversations.append(owner, name, [said(role, text)], run.id)
        return stored === undefined ? null : { id: stored.id, position: stored.position }
      } finally {
        // The conversation that the run has to itself stays so until its end.
        if (!isOwn) abandon()
      }
    }
  },
})
