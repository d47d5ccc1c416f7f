import { parseDurationMs } from '../definition/index.ts'
import { cutText } from '../text/cut-text.ts'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import type { Judge } from './check.ts'
import { type Observed, type ObservedChunk, firstChunkMs, gapsMs, median, textOf } from './observed.ts'

/** A kind of sentence that files may use for an expectation. */
export interface SentenceForm {
  /** As the reference shows it: `Response starts within <duration>`. */
  readonly form: string
  /** The criterion, with its tolerance. */
  readonly meaning: string
  readonly pattern: RegExp
  readonly judge: (parts: RegExpExecArray) => Judge
}

const TIME_TOLERANCE = 0.25
const STEADY_MS = 40
const STEADY_SHARE = 0.5
/** One gap in ten may be off: a collection of garbage or a busy machine is no fault of the stream. */
const STEADY_QUANTILE = 0.9
const MEMORY_MIB = 32

const DURATION = String.raw`(\d+(?:\.\d+)?\s*(?:ms|s|m|min|seconds?|milliseconds?|minutes?))`

const WITHIN = '(?:within|(?:in )?(?:under|less than))'

/** The whole grammar. Case, a full stop at the end and repeated blanks do not count. */
export const SENTENCES: readonly SentenceForm[] = [
  {
    form: 'Response starts within <duration>',
    meaning: 'The first chunk arrives in time, by the median of the repetitions; 25 % more pass.',
    pattern: new RegExp(`^(?:the )?(?:response|stream|answer) (?:starts|begins) ${WITHIN} ${DURATION}$`, 'i'),
    judge: ([, duration]) => budget('The first chunk came after', firstChunkMs, duration),
  },
  {
    form: 'First chunk arrives within <duration>',
    meaning: 'The same.',
    pattern: new RegExp(`^(?:the )?first chunk (?:arrives|comes) ${WITHIN} ${DURATION}$`, 'i'),
    judge: ([, duration]) => budget('The first chunk came after', firstChunkMs, duration),
  },
  {
    form: 'Stream completes within <duration>',
    meaning: 'The stream has ended in time, by the median of the repetitions; 25 % more pass.',
    pattern: new RegExp(
      `^(?:(?:the )?(?:response|stream|answer) (?:completes|ends|finishes) ${WITHIN}|total time (?:is )?${WITHIN}) ${DURATION}$`,
      'i',
    ),
    judge: ([, duration]) => budget('The stream ended after', ({ totalMs }) => totalMs, duration),
  },
  {
    form: 'No gap is longer than <duration>',
    meaning: 'The longest time between two chunks, by the median of the repetitions; 25 % more pass.',
    pattern: new RegExp(`^no gaps? (?:is |are )?(?:longer than|over|above) ${DURATION}$`, 'i'),
    judge: ([, duration]) =>
      budget('The longest gap between two chunks was', (observed) => Math.max(0, ...gapsMs(observed)), duration),
  },
  {
    form: 'Chunks arrive with consistent timing',
    meaning: `Nine of ten gaps between chunks differ from the median gap by at most half of it, or by ${STEADY_MS} ms where that is more.`,
    pattern: /^chunks arrive (?:with (?:a )?consistent timing|steadily|at a steady pace)$/i,
    judge: () => ({ kind: 'each', problem: unsteadiness }),
  },
  {
    form: 'Chunks arrive in order',
    meaning: 'There is more than one chunk, and each offset follows the one before: none lost, none doubled.',
    pattern: /^(?:all |the )?chunks arrive in (?:the )?(?:right |correct )?order$/i,
    judge: () =>
      each((observed) => (observed.chunks.length > 1 ? gapInOffsets(observed) : 'There are fewer than two chunks.')),
  },
  {
    form: 'Every chunk carries metadata',
    meaning: 'Each chunk has an object as its metadata; a marker such as `[DONE]` at the end needs none.',
    pattern: /^(?:each|every|all) chunks? (?:carry|carries|has|have|contains?|includes?) metadata$/i,
    judge: () => each(missingMetadata),
  },
  {
    form: 'Stream completes with [DONE] signal',
    meaning: 'The outcome is `completed` and the last chunk is exactly the marker. Any text may stand in the brackets.',
    pattern:
      /^(?:the )?(?:response|stream) (?:completes|ends|finishes) with (?:the |an? )?(\[[^\]]+\])(?: (?:signal|marker|chunk))?$/i,
    judge: ([, marker = '']) => each((observed) => missingMarker(observed, marker)),
  },
  {
    form: 'No errors or connection drops',
    meaning:
      'The status is 2xx, no error is told, the outcome is `completed`, and the connection comes to its own end.',
    pattern:
      /^no (?:errors?|(?:connection )?drops?)(?: (?:or|and|nor) (?:errors?|(?:connection )?drops?))?(?: occurs?)?$/i,
    judge: () => each(fault),
  },
  {
    form: 'Handles large content gracefully',
    meaning: 'The same, with more than one chunk, and texts without a gap in their offsets.',
    pattern: /^handles (?:large|long|big) (?:content|inputs?|messages?|responses?) gracefully$/i,
    judge: () =>
      each(
        (observed) =>
          fault(observed) ?? (observed.chunks.length > 1 ? gapInOffsets(observed) : 'There was only one chunk.'),
      ),
  },
  {
    form: 'Memory usage remains stable',
    meaning: `The resident memory of the server grows by at most ${MEMORY_MIB} MiB, by the median of the repetitions. Judged only where the runner started the server.`,
    pattern: /^memory (?:usage )?(?:remains|stays|is) (?:stable|flat|bounded)$/i,
    judge: () => ({
      kind: 'median',
      what: "The server's memory grew by",
      measure: ({ memoryGrowthBytes }) => (memoryGrowthBytes === null ? null : memoryGrowthBytes / 1_048_576),
      most: MEMORY_MIB,
      tolerance: 0,
      unit: 'MiB',
    }),
  },
  {
    form: 'No timeout errors',
    meaning: 'The call ends before the timeout of the test, and neither its status nor its error is a timeout.',
    pattern: /^no time-?outs?(?: errors?)?(?: occurs?)?$/i,
    judge: () => each(timeout),
  },
  {
    form: 'Returns appropriate error messages',
    meaning: 'An error is told, with a code and a message of more than one word.',
    pattern: /^returns (?:an? )?(?:appropriate|clear|meaningful|useful) error (?:messages?|information)$/i,
    judge: () => each(untoldError),
  },
  {
    form: 'Fails gracefully without hanging',
    meaning:
      'The call ends before the timeout of the test, with an error: a status of 4xx or 5xx, or the outcome `failed`, and the connection comes to its own end.',
    pattern: /^fails gracefully(?: without hanging)?$/i,
    judge: () => each(ungraceful),
  },
  {
    form: 'Error information is streamed back',
    meaning: 'The error comes in band after at least one chunk, with a code and a message.',
    pattern: /^error (?:information|details?|messages?) (?:is|are) streamed(?: back)?$/i,
    judge: () => each(errorNotStreamed),
  },
  {
    form: 'Status is <number>',
    meaning: 'The HTTP status.',
    pattern: /^(?:the )?(?:returns )?(?:http )?status(?: code)?(?: is| equals)? (\d{3})$/i,
    judge: ([, wanted]) =>
      each(({ status }) => (status === Number(wanted) ? null : `The status is ${status ?? 'missing'}.`)),
  },
  {
    form: 'At least <number> chunks arrive',
    meaning: 'How many chunks there are, errors not counted. `At most` and `Exactly` as well.',
    pattern: /^(at least|at most|exactly) (\d+) chunks? (?:arrives?|comes?|is sent|are sent)$/i,
    judge: ([, bound = '', number]) =>
      each(({ chunks }) => countFault(chunks.length, bound.toLowerCase(), Number(number))),
  },
  {
    form: 'Outcome is <outcome>',
    meaning: '`completed`, `failed`, `cancelled` or `abandoned`.',
    pattern: /^(?:the )?outcome is (completed|failed|cancelled|abandoned)$/i,
    judge: ([, wanted = '']) =>
      each(({ outcome }) => (outcome === wanted.toLowerCase() ? null : `The outcome is ${outcome ?? 'not told'}.`)),
  },
  {
    form: 'Error code is <code>',
    meaning: 'The code of the error, in band or in a problem document.',
    pattern: /^(?:the )?error code is ([a-z][\w.-]*)$/i,
    judge: ([, wanted]) =>
      each(({ error }) => (error?.code === wanted ? null : `The error is ${error === null ? 'missing' : error.code}.`)),
  },
  {
    form: 'Text contains "<text>"',
    meaning: 'The texts of all chunks, joined.',
    pattern: /^(?:the )?(?:text|response|answer) contains ["'“](.+)["'”]$/i,
    judge: ([, part = '']) =>
      each((observed) =>
        textOf(observed).includes(part) ? null : `The text is ${JSON.stringify(cutText(textOf(observed), 200))}.`,
      ),
  },
]

/** Returns the expectation of a sentence, or why it is not understood. */
export function judgeOfSentence(sentence: string): Judge | { readonly fault: string } {
  const plain = sentence.trim().replace(/[.!]$/, '').replaceAll(/\s+/g, ' ')
  for (const { pattern, judge } of SENTENCES) {
    const parts = pattern.exec(plain)
    if (parts !== null) return judge(parts)
  }
  const near = nearest(plain)
  const cure = didYouMeanOr(near, 'docs/testing.md lists the sentences that there are.')
  return { fault: `The sentence ${JSON.stringify(sentence)} is not understood. ${cure}` }
}

/** Sentences are too long for a distance of letters: the form that shares most words with it. */
function nearest(sentence: string): string | null {
  const forms = SENTENCES.map(({ form }) => form)
  const exact = didYouMean(sentence, forms)
  if (exact !== null) return exact
  const words = new Set(wordsOf(sentence))
  let best: string | null = null
  let most = 0
  for (const form of forms) {
    const others = wordsOf(form)
    const shared = others.filter((word) => words.has(word) || didYouMean(word, words) !== null).length
    const share = shared / Math.max(others.length, words.size)
    if (share > most) [best, most] = [form, share]
  }
  return most >= 0.4 ? best : null
}

function wordsOf(sentence: string): string[] {
  return sentence.toLowerCase().match(/[a-z]{3,}/g) ?? []
}

function each(problem: (observed: Observed) => string | null): Judge {
  return { kind: 'each', problem }
}

function budget(what: string, measure: (observed: Observed) => number, duration = ''): Judge {
  const short = duration
    .replace(/\s*milliseconds?$/i, 'ms')
    .replace(/\s*seconds?$/i, 's')
    .replace(/\s*minutes?$/i, 'm')
  return { kind: 'median', what, measure, most: parseDurationMs(short) ?? 0, tolerance: TIME_TOLERANCE, unit: 'ms' }
}

function unsteadiness(observed: Observed): string | null {
  // A marker such as [DONE] follows the last content at once.
  const gaps = gapsMs({ ...observed, chunks: unmarked(observed) })
  if (gaps.length === 0) return 'There are fewer than two chunks.'
  const middle = median(gaps)
  const allowed = Math.max(STEADY_MS, middle * STEADY_SHARE)
  const off = gaps.map((gap) => Math.abs(gap - middle)).toSorted((one, other) => one - other)
  const most = off[Math.max(0, Math.ceil(off.length * STEADY_QUANTILE) - 1)] ?? 0
  if (most <= allowed) return null
  return `Gaps between chunks differ from their median of ${Math.round(middle)} ms by up to ${Math.round(most)} ms in nine of ten; allowed are ${Math.round(allowed)} ms.`
}

function missingMarker({ chunks, outcome }: Observed, marker: string): string | null {
  const last = chunks.at(-1)?.content
  if (last !== marker) return `The last chunk is ${cutText(JSON.stringify(last ?? null), 100)}, not ${marker}.`
  return outcome === 'completed' || outcome === null ? null : `The outcome is ${outcome}.`
}

/** The chunks without a marker at the end. */
function unmarked({ chunks }: Observed): readonly ObservedChunk[] {
  return /^\[[A-Z_ ]+\]$/.test(String(chunks.at(-1)?.content)) ? chunks.slice(0, -1) : chunks
}

function missingMetadata(observed: Observed): string | null {
  const chunks = unmarked(observed)
  if (chunks.length === 0) return 'There is no chunk.'
  const bare = chunks.find(({ metadata }) => typeof metadata !== 'object' || metadata === null)
  return bare === undefined ? null : `The chunk ${cutText(JSON.stringify(bare.content), 100)} has no metadata.`
}

/** Whatever went wrong, or null. */
export function fault({ status, error, outcome, broken, hasTimedOut }: Observed): string | null {
  if (hasTimedOut) return 'The call did not end.'
  if (status === null) return `There was no answer: ${broken ?? 'nothing came'}.`
  if (error !== null) return `The error ${error.code} was told: ${error.message}`
  if (status >= 300) return `The status is ${status}.`
  if (broken !== null) return `The connection broke: ${broken}.`
  return outcome === null || outcome === 'completed' ? null : `The outcome is ${outcome}.`
}

/** Chunks that were lost, doubled or out of order, by their offsets. */
export function gapInOffsets({ chunks }: Observed): string | null {
  for (const [index, { offset }] of chunks.entries()) {
    const before = chunks[index - 1]?.offset ?? null
    if (offset === null || before === null) continue
    if (offset !== before + 1) return `The chunk with offset ${offset} came after the one with ${before}.`
  }
  return null
}

function timeout({ hasTimedOut, status, error }: Observed): string | null {
  if (hasTimedOut) return 'The call did not end.'
  if (status === 408 || status === 504) return `The status is ${status}.`
  return error !== null && /time_?out|timed_?out/.test(error.code) ? `The error is ${error.code}.` : null
}

function untoldError({ error }: Observed): string | null {
  if (error === null) return 'No error was told.'
  if (error.code === '') return 'The error has no code.'
  return error.message.trim().includes(' ') ? null : `The message of the error is ${JSON.stringify(error.message)}.`
}

function ungraceful({ hasTimedOut, status, error, outcome, broken }: Observed): string | null {
  if (hasTimedOut) return 'The call did not end.'
  if (broken !== null) return `The connection broke: ${broken}.`
  const failed = error !== null || outcome === 'failed' || (status ?? 0) >= 400
  return failed ? null : `It did not fail: the status is ${status ?? 'missing'}, the outcome ${outcome ?? 'not told'}.`
}

function errorNotStreamed(observed: Observed): string | null {
  const { error } = observed
  const untold = untoldError(observed)
  if (untold !== null || error === null) return untold
  if (!error.isInBand) return `The error came with status ${observed.status ?? 'none'}, not in the stream.`
  return error.afterChunks > 0 ? null : 'The error came before the first chunk.'
}

/** `bound`: `at least`, `at most` or `exactly`. */
export function countFault(count: number, bound: string, number: number): string | null {
  const isRight = bound === 'at least' ? count >= number : bound === 'at most' ? count <= number : count === number
  return isRight ? null : `There are ${count} chunks.`
}
