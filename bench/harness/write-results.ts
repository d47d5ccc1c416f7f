import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { reportMarkdown } from './report.ts'
import type { Report } from './scenario.ts'

const RESULTS = new URL('../../docs/benchmarks.md', import.meta.url)

/** Keeps the results in docs/benchmarks.md, with what they were measured on. */
export async function writeResults(reports: readonly Report[], quick: boolean): Promise<void> {
  await writeFile(RESULTS, [...introduction(quick), ...reports.map(reportMarkdown)].join('\n'))
}

function introduction(quick: boolean): string[] {
  const memory = Math.round(totalmem() / 1024 ** 3)
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  return [
    '# Benchmarks',
    '',
    'Streamstack beside the same thing written by hand. Written by `npm run bench -- --write`; do not edit.',
    '',
    `- Machine: ${model}, ${availableParallelism()} cores, ${memory} GiB of memory, ${process.platform} ${process.arch}`,
    `- Node.js ${process.versions.node} (V8 ${process.versions.v8}); Fastify 5, Express 5, Hono 4, @durable-streams/server 0.3 as in package.json`,
    `- ${new Date().toISOString().slice(0, 10)}, commit ${commit()}${quick ? ', **with `--quick`: not for comparing**' : ''}`,
    '',
    'Every contender is a server in a process of its own; the load comes from another process, over the bare socket, and checks every byte. Rounds are interleaved (A B C, A B C …) after warm-up rounds, and numbers are medians. Ratios hold on other machines, absolute numbers do not. Run one scenario with `npm run bench -- chunks` (or `small`, `paging`, `paced`, `load`, `first-chunk`, `durable-appends`, `fan-out`, `catch-up`, `many-streams`, `ai-relay`, `filters`); `BENCH_PROFILE=<folder>` writes a CPU profile of each server there.',
    '',
  ]
}

function commit(): string {
  const git = (...words: string[]): string => execFileSync('git', words, { encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', '--', 'packages', 'bench') === '' ? '' : ' with changes'
  return git('rev-parse', '--short', 'HEAD') + changed
}
