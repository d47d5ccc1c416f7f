import { setFlagsFromString } from 'node:v8'
import { serve } from 'streamstack'

// As bin/streamstack.js does.
setFlagsFromString('--no-allocation-site-pretenuring')
setFlagsFromString('--no-lazy-feedback-allocation')
setFlagsFromString('--invocation-count-for-turbofan=1500')

/** Our server, over a workspace folder. */
export async function start(options: string): Promise<number> {
  const { dir, data } = JSON.parse(options) as { dir: string; data?: string }
  const server = await serve({ dir, host: '127.0.0.1', port: 0, ...(data === undefined ? {} : { data }) })
  return Number(new URL(server.url).port)
}
