import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { defineConfig } from 'vitest/config'

// Processes and threads that tests start from source take it without its types from here. Stripped again by each of them, it costs half
// of their time, and WebAssembly in many short threads is where V8 can end a process ("Check failed: jit_page.has_value()").
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compile')

/** Files that work through the server by URL take the longest; one that begins last would be waited for alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification): boolean => moduleId.startsWith(`${import.meta.dirname}/test/`)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  // The conformance suite of Durable Streams brings an older vitest of its own; its tests must register with this one.
  resolve: { conditions: ['streamstack-source'], dedupe: ['vitest'] },
  ssr: { resolve: { conditions: ['streamstack-source'], externalConditions: ['streamstack-source'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts', 'examples/**/*.test.ts'],
    // No test passes or fails by a page that was built before.
    globalSetup: 'test/support/build-pages.ts',
    // Only for what hangs: a busy machine takes several times as long as a quiet one.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A busy machine is late, not wrong.
    expect: { poll: { timeout: 30_000 } },
    // Tests of streams wait more than they compute. The default leaves one worker on a machine with two cores.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    server: { deps: { inline: ['@durable-streams/server-conformance-tests'] } },
    execArgv: ['--conditions=streamstack-source'],
  },
})
