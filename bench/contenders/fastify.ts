import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import fastify from 'fastify'
import { type LinesOptions, type LinesWork, linesWork } from './lines-work.ts'

/** Fastify 5, a stream from a generator. */
export async function start(options: string): Promise<number> {
  const work = linesWork(JSON.parse(options) as LinesOptions)
  const app = fastify()
  app.get('/', (_request, reply) => reply.type(work.contentType).send(Readable.from(chunks(work))))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

function* chunks({ lines, encode, last }: LinesWork): Generator<string> {
  for (const [index, line] of lines.entries()) yield encode(line, index)
  if (last !== '') yield last
}
