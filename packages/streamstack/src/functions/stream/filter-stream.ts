import { StreamstackError } from '@streamstack/protocol'
import { type Matcher, newRedactor, redactingFilter, watchingFilter } from '../../content/index.ts'
import { FilterStop } from '../../run/index.ts'
import { prepareMatchers } from '../parts/content-lists.ts'
import type { FunctionDefinition } from '../parts/function-definition.ts'

const REPLACEMENT = '***'
const MESSAGE = 'This answer was withdrawn because of its content.'

export const filterStream: FunctionDefinition = {
  name: 'Filter Stream',
  aliases: ['Content Filter', 'Filter Output', 'Moderate Stream'],
  summary:
    'Searches for words and patterns in everything that the run sends from here on. `hold`: sends only checked text. `watch`: sends chunks at once and checks them afterwards; at a match it sends a `replace` chunk.',
  parameters: {
    words: {
      kind: 'literal',
      summary:
        'Words and phrases, as whole words in any case; full-width letters and invisible characters do not hide them.',
      type: 'list',
      aliases: ['block', 'blocked_words'],
    },
    patterns: {
      kind: 'literal',
      summary: 'Regular expressions, matched in linear time; a match has at most 256 characters.',
      type: 'list',
    },
    ignore_case: { kind: 'literal', summary: 'Whether `patterns` match in any case.', type: 'boolean', default: true },
    mode: {
      kind: 'literal',
      summary:
        '`hold` holds back what is not decided yet, usually the last word. `watch` holds back nothing and cannot take back what a reader has seen.',
      type: 'text',
      values: ['hold', 'watch'],
      default: 'hold',
    },
    action: {
      kind: 'literal',
      summary:
        '`stop` ends the run with `content_blocked`; `replace` (`hold` only) puts `replacement` in the place of each match.',
      type: 'text',
      values: ['stop', 'replace'],
      default: 'stop',
    },
    replacement: {
      kind: 'literal',
      summary: 'Replacement for a match.',
      type: 'text',
      default: REPLACEMENT,
    },
    message: {
      kind: 'literal',
      summary: 'The text of the error, and what readers show in the place of a withdrawn answer.',
      type: 'text',
      default: MESSAGE,
    },
  },
  examples: [
    {
      title: 'Words replaced, also where chunks cut them',
      stack: [
        { function: 'Filter Stream', words: ['darn'], action: 'replace' },
        { function: 'Streaming API Response', content: 'Oh da' },
        { function: 'Streaming API Response', content: 'rn, not again' },
      ],
      sends: ['Oh ***', ', not again'],
    },
    {
      title: 'A match ends the run before it leaves',
      stack: [
        { function: 'Filter Stream', patterns: ['project\\s+zebra'] },
        { function: 'Streaming API Response', content: 'We call it ' },
        { function: 'Streaming API Response', content: 'Project Zebra.' },
      ],
      sends: ['We call it '],
      fails: 'content_blocked',
    },
    {
      title: 'Watch: what has left is withdrawn',
      stack: [
        { function: 'Filter Stream', words: ['zebra'], mode: 'watch', message: 'Withdrawn.' },
        { function: 'Streaming API Response', content: 'A zebra' },
        { function: 'Streaming API Response', content: ' eats.' },
      ],
      sends: ['A zebra', { text: 'Withdrawn.', reason: 'content_blocked' }],
      fails: 'content_blocked',
    },
  ],
  compile(step, compiler) {
    const { parameters } = step
    const replacement = (parameters['replacement']?.value as string | undefined) ?? REPLACEMENT
    const message = (parameters['message']?.value as string | undefined) ?? MESSAGE
    const isWatching = parameters['mode']?.value === 'watch'
    const replaces = parameters['action']?.value === 'replace'
    if (parameters['words'] === undefined && parameters['patterns'] === undefined)
      compiler.issue('error', 'Filter Stream needs `words` or `patterns`.', step.position)
    if (isWatching && replaces) {
      const position = parameters['action']?.position ?? step.position
      compiler.issue(
        'error',
        '`action: replace` needs `mode: hold`: what `watch` has found has left already.',
        position,
      )
    }
    const matchers = prepareMatchers(step, compiler, replacement)
    const stop = ({ name }: Matcher): never => {
      const error = new StreamstackError('content_blocked', message, {
        cause: new Error(`${step.function} (step ${step.id}): ${name}`),
      })
      const withdrawn = JSON.stringify({ text: message, reason: 'content_blocked' })
      throw new FilterStop(error, isWatching ? [{ kind: 'replace', data: withdrawn, metadata: null }] : [])
    }
    const redactor = newRedactor(
      { kinds: [], nationalIds: [], fields: [], matchers, replacement: null },
      replaces ? undefined : stop,
    )
    const filter = compiler.filter(isWatching ? watchingFilter(redactor) : redactingFilter(redactor))
    compiler.emit((frame, { run }) => run.outlet.attach(frame.program, filter))
  },
}
