import { afterAll, beforeAll, describe } from 'vitest'
import { runConformanceTests } from '@durable-streams/server-conformance-tests'
import { type TestServer, testServer } from '@streamstack/test-support/test-server'

// The protocol's own suite. The server waits as long as the suite thinks it does.
const options = { baseUrl: '', longPollTimeoutMs: 500, subscriptions: true }
const streams = { access: 'open', log: 'sqlite', long_poll_timeout: '500ms' }

describe('Durable Streams, kept in sqlite', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await testServer({ 'streamstack.yaml': { streams } })
    options.baseUrl = server.url
  })
  afterAll(() => server[Symbol.asyncDispose]())
  runConformanceTests(options)
})
