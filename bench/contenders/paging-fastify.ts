import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { DatabaseSync } from 'node:sqlite'
import fastify from 'fastify'

const BATCH_SIZE = 100

/** Fastify 5 and node:sqlite, a loop of LIMIT and OFFSET, as one writes it who copies the pattern into code. */
export async function start(options: string): Promise<number> {
  const { file } = JSON.parse(options) as { file: string }
  const database = new DatabaseSync(file, { readOnly: true })
  const page = database.prepare('SELECT id, delay, distance, time FROM flights ORDER BY id LIMIT ? OFFSET ?')

  function* pages(): Generator<string> {
    for (let offset = 0; ; offset += BATCH_SIZE) {
      const records = page.all(BATCH_SIZE, offset)
      yield JSON.stringify(records) + '\n'
      if (records.length < BATCH_SIZE) break
    }
    yield '[COMPLETE]\n'
  }

  const app = fastify()
  app.get('/', (_request, reply) => reply.type('text/plain; charset=utf-8').send(Readable.from(pages())))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}
