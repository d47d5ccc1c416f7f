import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['streamstack-source'] },
  ssr: { resolve: { conditions: ['streamstack-source'], externalConditions: ['streamstack-source'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 20_000,
    execArgv: ['--conditions=streamstack-source'],
  },
})
