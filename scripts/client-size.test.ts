import { createContext, runInContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { CLIENT_BYTES_MAX, bundleClient } from './client-size.ts'

test('the client is one small file that a plain script tag takes', async () => {
  const code = await bundleClient()
  expect(gzipSync(code).byteLength).toBeLessThanOrEqual(CLIENT_BYTES_MAX)
  // The error table is the server's.
  expect(code).not.toContain('streamstack.yaml')
  const page = createContext({})
  runInContext(code, page)
  expect(runInContext('Object.keys(Streamstack).sort().join()', page)).toBe('StreamError,createClient')
  expect(runInContext('Object.keys(globalThis).join()', page)).toBe('Streamstack')
})
