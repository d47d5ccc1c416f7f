import { SENTENCES } from '../../packages/streamstack/src/test/sentences.ts'
import { code, page, table } from './markdown.ts'

/** The sentences that test files may use for expectations. */
export function testSentencesPage(): string {
  return page([
    '# Sentences of tests',
    'What `validation` of a test understands, as [the guide](../testing.md) shows it. A sentence that is not listed is an error of the file, with the nearest that is.',
    table(
      ['sentence', 'passes when'],
      SENTENCES.map(({ form, meaning }) => [code(form), meaning]),
    ),
    'A duration is a number with a unit: `200ms`, `2s`, `0.5 seconds`. Upper and lower case and a full stop at the end make no difference.',
  ])
}
