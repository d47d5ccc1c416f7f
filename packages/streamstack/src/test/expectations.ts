import { type Issue, type TreeNode, entryOf, parseDurationMs, quote } from '../definition/index.ts'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { plainText } from './plain-text.ts'
import type { Check, Judge } from './check.ts'
import { type Matcher, chunkMatcherOf, matcherOf, shown, valueAt } from './matcher.ts'
import { type Observed, firstChunkMs, gapsMs, median, textOf } from './observed.ts'
import { countFault, judgeOfSentence } from './sentences.ts'

export const EXPECT_KEYS = [
  'status',
  'headers',
  'chunks',
  'some',
  'none',
  'first',
  'last',
  'count',
  'text',
  'rising',
  'outcome',
  'error',
  'time',
  'sentences',
] as const

const TIME_KEYS = ['first_chunk', 'gap', 'steady', 'total', 'tolerance'] as const
const TIME_TOLERANCE = 0.25

type ChunkMatcher = ReturnType<typeof chunkMatcherOf>

/** The checks of an `expect`, in the order of the file. Keys that are not known have been told already. */
export function checksOf(node: TreeNode, issues: Issue[]): Check[] {
  return (node.entries ?? []).flatMap(({ key, node: wanted }) => {
    if (key === 'time') return timeChecks(wanted, issues)
    if (key === 'sentences') return sentenceChecks(wanted, issues)
    const problem = problemOf(key, wanted, issues)
    if (problem === null) return []
    const title = `${key}: ${quote(wanted.value)}`
    return [{ title, position: wanted.position, judge: { kind: 'each', problem } satisfies Judge }]
  })
}

function problemOf(key: string, node: TreeNode, issues: Issue[]): ((observed: Observed) => string | null) | null {
  switch (key) {
    case 'status':
      return ({ status, broken }) =>
        status === node.value ? null : `the status is ${status ?? `missing (${broken ?? 'no answer'})`}`
    case 'headers':
      return headers(node, issues)
    case 'chunks':
      return allChunks(node, issues)
    case 'some':
      return someChunks(node, issues)
    case 'none':
      return noChunk(node, issues)
    case 'first':
      return oneChunk('first', chunkMatcherOf(node, issues), ({ chunks }) => chunks[0])
    case 'last':
      return oneChunk('last', chunkMatcherOf(node, issues), ({ chunks }) => chunks.at(-1))
    case 'count':
      return count(node, issues)
    case 'text': {
      const matches = matcherOf(node, issues)
      return (observed) => matches(textOf(observed))
    }
    case 'rising':
      return rising([node.value].flat().map(String))
    case 'outcome':
      return ({ outcome, broken, hasTimedOut }) =>
        outcome === node.value
          ? null
          : `the outcome is ${outcome ?? (hasTimedOut ? 'still open' : `not told (${broken ?? 'the format has none'})`)}`
    case 'error':
      return error(node, issues)
    default:
      return null
  }
}

function headers(node: TreeNode, issues: Issue[]): (observed: Observed) => string | null {
  const wanted = (node.entries ?? []).map(({ key, node: part }) => [key, matcherOf(part, issues)] as const)
  return ({ headers: got }) => {
    for (const [name, matches] of wanted) {
      const problem = matches(got[name.toLowerCase()] ?? null)
      if (problem !== null) return `${name}: ${problem}`
    }
    return null
  }
}

function matchers(node: TreeNode, issues: Issue[]): ChunkMatcher[] {
  if (node.items !== undefined) return node.items.map((item) => chunkMatcherOf(item, issues))
  issues.push({
    severity: 'error',
    message: `This must be a list of chunks; it is ${quote(node.value)}.`,
    position: node.position,
  })
  return []
}

function allChunks(node: TreeNode, issues: Issue[]): (observed: Observed) => string | null {
  const wanted = matchers(node, issues)
  return ({ chunks }) => {
    for (const [index, matches] of wanted.entries()) {
      const chunk = chunks[index]
      const problem = chunk === undefined ? 'there is none' : matches(chunk)
      if (problem !== null) return `chunk ${index + 1}: ${problem}`
    }
    if (chunks.length === wanted.length) return null
    return `there are ${chunks.length} chunks, not ${wanted.length}; the next is ${shown(chunks[wanted.length]?.content)}`
  }
}

function someChunks(node: TreeNode, issues: Issue[]): (observed: Observed) => string | null {
  const wanted = matchers(node, issues)
  return ({ chunks }) => {
    let from = 0
    for (const [index, matches] of wanted.entries()) {
      const at = chunks.findIndex((chunk, place) => place >= from && matches(chunk) === null)
      if (at === -1)
        return `no chunk ${index === 0 ? '' : 'after the one before '}matches ${quote(node.items?.[index]?.value ?? null)}`
      from = at + 1
    }
    return null
  }
}

function noChunk(node: TreeNode, issues: Issue[]): (observed: Observed) => string | null {
  const forbidden = matchers(node, issues)
  return ({ chunks }) => {
    for (const [place, chunk] of chunks.entries()) {
      const index = forbidden.findIndex((matches) => matches(chunk) === null)
      if (index !== -1)
        return `chunk ${place + 1}, ${shown(chunk.content)}, matches ${quote(node.items?.[index]?.value ?? null)}`
    }
    return null
  }
}

function oneChunk(
  which: string,
  matches: ChunkMatcher,
  pick: (observed: Observed) => Observed['chunks'][number] | undefined,
): (observed: Observed) => string | null {
  return (observed) => {
    const chunk = pick(observed)
    const problem = chunk === undefined ? 'there is none' : matches(chunk)
    return problem === null ? null : `the ${which} chunk: ${problem}`
  }
}

function count(node: TreeNode, issues: Issue[]): (observed: Observed) => string | null {
  if (typeof node.value === 'number') {
    const wanted = node.value
    return ({ chunks }) => countFault(chunks.length, 'exactly', wanted)
  }
  const [min, max] = [entryOf(node, 'min')?.node.value ?? 0, entryOf(node, 'max')?.node.value ?? Infinity]
  if (node.entries === undefined || typeof min !== 'number' || typeof max !== 'number') {
    const message = '`count` must be a number or { min: …, max: … }.'
    issues.push({ severity: 'error', message, position: node.position })
  }
  return ({ chunks }) =>
    countFault(chunks.length, 'at least', Number(min)) ?? countFault(chunks.length, 'at most', Number(max))
}

/** Numbers at a path must rise by one from chunk to chunk: nothing lost, doubled or out of order. */
function rising(paths: readonly string[]): (observed: Observed) => string | null {
  return ({ chunks }) => {
    for (const path of paths) {
      let before: number | null = null
      for (const [index, chunk] of chunks.entries()) {
        const value = valueAt(chunk, path)
        if (typeof value !== 'number') continue
        if (before !== null && value !== before + 1) return `${path} of chunk ${index + 1} is ${value} after ${before}`
        before = value
      }
      if (before === null) return `no chunk has a number at ${path}`
    }
    return null
  }
}

function error(node: TreeNode, issues: Issue[]): (observed: Observed) => string | null {
  if (node.value === null)
    return ({ error: got }) => (got === null ? null : `the error ${got.code} was told: ${got.message}`)
  const isCode = typeof node.value === 'string'
  const code: Matcher | null = isCode ? matcherOf(node, issues) : part(node, 'code', issues)
  const message = isCode ? null : part(node, 'message', issues)
  const inBand = isCode ? undefined : entryOf(node, 'in_band')?.node.value
  return ({ error: got, status, outcome }) => {
    if (got === null)
      return `no error was told; the status is ${status ?? 'missing'}, the outcome ${outcome ?? 'not told'}`
    const problem = code?.(got.code) ?? null
    if (problem !== null) return `the code: ${problem} (${got.message})`
    const fault = message?.(got.message) ?? null
    if (fault !== null) return `the message: ${fault}`
    if (inBand === undefined || inBand === got.isInBand) return null
    return got.isInBand ? 'the error came in band' : `the error came with status ${status ?? 'none'}, not in band`
  }
}

function part(node: TreeNode, key: string, issues: Issue[]): Matcher | null {
  const found = entryOf(node, key)?.node
  return found === undefined ? null : matcherOf(found, issues)
}

function timeChecks(node: TreeNode, issues: Issue[]): Check[] {
  const share = entryOf(node, 'tolerance')?.node.value ?? null
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(plainText(share))
  const tolerance = share === null ? TIME_TOLERANCE : percent === null ? Number(share) : Number(percent[1]) / 100
  if (!(tolerance >= 0)) {
    issues.push({
      severity: 'error',
      message: '`tolerance` must be a share such as 25% or 0.25.',
      position: node.position,
    })
  }
  return (node.entries ?? []).flatMap(({ key, keyPosition, node: wanted }): Check[] => {
    if (key === 'tolerance') return []
    const measured = TIMES[key]
    const most = parseDurationMs(wanted.value)
    if (measured !== undefined && most !== null) {
      const judge = { kind: 'median', ...measured, most, tolerance, unit: 'ms' } as const
      return [{ title: `time.${key}: ${quote(wanted.value)}`, position: wanted.position, judge }]
    }
    const near = didYouMean(key, TIME_KEYS)
    const message =
      measured === undefined
        ? `There is no \`time.${key}\`. ${didYouMeanOr(near, `Known are ${TIME_KEYS.join(', ')}.`)}`
        : `\`time.${key}\` must be a duration such as 200ms; it is ${quote(wanted.value)}.`
    issues.push({ severity: 'error', message, position: keyPosition })
    return []
  })
}

const TIMES: Readonly<Record<string, { what: string; measure: (observed: Observed) => number }>> = {
  first_chunk: { what: 'The first chunk came after', measure: firstChunkMs },
  gap: { what: 'The longest gap between two chunks was', measure: (observed) => Math.max(0, ...gapsMs(observed)) },
  steady: { what: 'A gap differs from the median gap by', measure: unsteadinessMs },
  total: { what: 'The stream ended after', measure: ({ totalMs }) => totalMs },
}

function unsteadinessMs(observed: Observed): number {
  const gaps = gapsMs(observed)
  const middle = median(gaps)
  return Math.max(0, ...gaps.map((gap) => Math.abs(gap - middle)))
}

function sentenceChecks(node: TreeNode, issues: Issue[]): Check[] {
  return (node.items ?? [node]).flatMap(({ value, position }) => {
    const judge = judgeOfSentence(plainText(value))
    if (!('fault' in judge)) return [{ title: plainText(value), position, judge }]
    issues.push({ severity: 'error', message: judge.fault, position })
    return []
  })
}
