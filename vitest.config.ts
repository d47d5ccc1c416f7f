import { defineConfig } from 'vitest/config'

export default defineConfig({
  // The conformance suite of Durable Streams brings an older vitest of its own; its tests must register with this one.
  resolve: { conditions: ['streamstack-source'], dedupe: ['vitest'] },
  ssr: { resolve: { conditions: ['streamstack-source'], externalConditions: ['streamstack-source'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 20_000,
    server: { deps: { inline: ['@durable-streams/server-conformance-tests'] } },
    execArgv: ['--conditions=streamstack-source'],
  },
})
