import { splitText, type TextUnit } from '../../text/split-text.ts'
import { action } from '../parts/action.ts'
import { numberArgument, textArgument } from '../parts/arguments.ts'

export const splitTextFunction = action({
  name: 'Split Text',
  aliases: ['Chunk Text', 'Text Splitter'],
  summary: 'Cuts text into a list of pieces; joined, they are the text again.',
  parameters: {
    text: { kind: 'value', summary: 'The text.', type: 'text', required: true, aliases: ['content', 'input'] },
    by: {
      kind: 'literal',
      summary: 'Where it is cut.',
      type: 'text',
      values: ['words', 'characters', 'sentences', 'lines'],
      default: 'words',
    },
    size: {
      kind: 'value',
      summary: 'How many of them a piece has.',
      type: 'integer',
      default: 1,
      aliases: ['chunk_size'],
    },
  },
  hasResult: true,
  resultDefault: 'pieces',
  examples: [
    {
      title: 'By two words',
      stack: [
        { function: 'Split Text', text: 'one two three', by: 'words', size: 2 },
        {
          function: 'For Each',
          input: '{{pieces}}',
          inner_functions: [{ function: 'Streaming API Response', content: '{{item}}' }],
        },
      ],
      sends: ['one two ', 'three'],
    },
  ],
  prepare(step, compiler) {
    const text = textArgument(step, compiler, 'text')
    const size = numberArgument(step, compiler, 'size', 1, { min: 1, integer: true })
    const by = (step.parameters['by']?.value ?? 'words') as TextUnit
    return (frame, strand) => {
      const whole = text(frame)
      strand.burn(whole.length >> 6)
      return splitText(whole, by, size(frame))
    }
  },
})
