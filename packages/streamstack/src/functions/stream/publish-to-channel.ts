import { type ErrorCode, StreamstackError, type Value } from '@streamstack/protocol'
import { quote } from '../../definition/index.ts'
import type { StepNode, TreeNode } from '../../definition/types.ts'
import { didYouMean, suggest } from '../../text/did-you-mean.ts'
import type { Frame } from '../../run/index.ts'
import { action } from '../parts/action.ts'
import { argumentError, textArgument } from '../parts/arguments.ts'
import { ArgumentError } from '../../expression/index.ts'
import type { Compiler } from '../parts/compiler.ts'

export const publishToChannel = action({
  name: 'Publish to Channel',
  aliases: ['Publish', 'Send to Channel', 'Broadcast'],
  summary:
    'Publishes a message to all readers of a channel; the result is `{offset}`. The publish rule of a channel applies to callers, not to steps.',
  parameters: {
    channel: {
      kind: 'value',
      summary: 'Name of the channel. A value beside text, as in `rooms/{{room}}`, is one segment; a list is several.',
      type: 'text',
      required: true,
      aliases: ['to', 'name'],
    },
    content: {
      kind: 'value',
      summary: 'What is published: text, records, any JSON.',
      type: 'any',
      required: true,
      aliases: ['message', 'value', 'data'],
    },
    metadata: {
      kind: 'value',
      summary: 'Goes along with the message. The server adds `sent_at`; `sender` is what stands here.',
      type: 'object',
    },
    key: {
      kind: 'value',
      summary: 'A message that comes again with the key of one before adds nothing.',
      type: 'text',
      aliases: ['idempotency_key'],
    },
  },
  hasResult: true,
  examples: [
    {
      title: 'A message to a room',
      channels: { rooms: { channel: 'rooms/{room}', subscribe: true } },
      stack: [
        { function: 'Publish to Channel', channel: 'rooms/{{1 + 1}}', content: { text: 'Hello' } },
        { function: 'Streaming API Response', content: 'sent' },
      ],
      sends: ['sent'],
    },
    {
      title: 'The same message twice is there once',
      channels: { news: { subscribe: true } },
      stack: [
        { function: 'Publish to Channel', channel: 'news', content: 'Rain', key: 'today', as: 'first' },
        { function: 'Publish to Channel', channel: 'news', content: 'Rain', key: 'today', as: 'second' },
        { function: 'Streaming API Response', content: '{{first.offset === second.offset}}' },
      ],
      sends: [true],
    },
    {
      title: 'A channel that is not declared',
      stack: [{ function: 'Publish to Channel', channel: '{{name}}', content: 'Hello' }],
      inputs: { name: 'nowhere' },
      sends: [],
      fails: 'input_unusable',
    },
  ],
  prepare(step, compiler) {
    const channel = channelArgument(step, compiler)
    checkKnown(step, compiler)
    const content = compiler.value(step.parameters['content'])
    const metadata = compiler.value(step.parameters['metadata'], null)
    const key = textArgument(step, compiler, 'key')
    return (frame, strand) => {
      const data = metadata.evaluate(frame)
      if (data !== null && (typeof data !== 'object' || Array.isArray(data))) {
        throw argumentError(step, 'metadata', 'must be an object', data)
      }
      const { outlet } = strand.run
      const message = {
        content: outlet.message(content.evaluate(frame)),
        metadata: data === null ? null : (outlet.message(data) as Readonly<Record<string, Value>>),
        key: key(frame) || null,
      }
      const name = channel(frame)
      try {
        const published = strand.run.services.channels.serverPublish(name, message)
        return published instanceof Promise ? published.catch((error: unknown) => refused(name, error)) : published
      } catch (error) {
        return refused(name, error)
      }
    }
  },
})

/**
 * The name of the channel. A value beside text is one segment of the name, a list several: a slash in it would lead to another channel, to which
 * steps may publish whatever its rules are for callers.
 */
function channelArgument(step: StepNode, compiler: Compiler): (frame: Frame) => string {
  const node = step.parameters['channel']
  const parts = node !== undefined && isText(node) ? compiler.parts(node) : []
  if (parts.length < 2) return textArgument(step, compiler, 'channel')
  return (frame) => {
    const segmentOf = (value: Value): string => {
      const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      if (!isPlain) throw argumentError(step, 'channel', 'has a value that is no text', value)
      const text = String(value)
      if (!text.includes('/')) return text
      throw argumentError(step, 'channel', 'has a value with a slash in it; give a list for several segments', value)
    }
    const texts = parts.map((part) => {
      if (typeof part === 'string') return part
      const value = part.expression.evaluate(frame)
      return Array.isArray(value) ? value.map(segmentOf).join('/') : segmentOf(value)
    })
    return texts.join('')
  }
}

function isText(node: TreeNode): node is TreeNode & { value: string } {
  return typeof node.value === 'string'
}

/** The parameter that a refusal is about. */
const AT_FAULT: Readonly<Record<string, string>> = { channel_unknown: 'channel', body_too_large: 'content' }

/** The caller of the endpoint did not publish, so 404 and 413 would mislead it. */
function refused(name: string, error: unknown): never {
  if (!(error instanceof StreamstackError)) throw error
  const { code, status, recoverable, retryAfterMs, details } = error
  const argument = Object.hasOwn(AT_FAULT, code) ? AT_FAULT[code] : undefined
  const Refusal = argument === undefined ? StreamstackError : ArgumentError
  throw new Refusal(code as ErrorCode, `Channel ${quote(name)}: ${error.message}`, {
    ...(argument === undefined ? {} : { argument }),
    status: Math.max(status, 500),
    recoverable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(details === undefined ? {} : { details }),
    cause: error.cause,
  })
}

/** A name that is known when the definition loads must be that of a channel. */
function checkKnown(step: StepNode, compiler: Compiler): void {
  const node = step.parameters['channel']
  if (node === undefined || typeof node.value !== 'string' || node.value.includes('{{')) return
  const name = node.value
  if (compiler.hasChannel(name)) return
  const guess = didYouMean(name, compiler.channelNames())
  const cure = guess === null ? ` Declare it in channels/${name}.yaml.` : ` ${suggest(guess)}`
  compiler.issue('error', `There is no channel '${name}'.${cure}`, node.position)
}
