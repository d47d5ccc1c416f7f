import { DurableStreamTestServer } from '@durable-streams/server'

/**
 * The Durable Streams protocol's own Node server with its file store: a log file a stream, `fdatasync` before an append is answered (appends
 * of one stream one after the other), the stream's state in LMDB.
 */
export async function start(options: string): Promise<number> {
  const { dataDir } = JSON.parse(options) as { dataDir: string }
  const server = new DurableStreamTestServer({ host: '127.0.0.1', port: 0, dataDir })
  return Number(new URL(await server.start()).port)
}
