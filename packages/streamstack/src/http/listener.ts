import { readFile } from 'node:fs/promises'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import { createSecureServer } from 'node:http2'

/** Hears of every request. */
export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void

// No timeout for the whole of a request: a slow upload is bounded by its size; headers have Node's 60 s.
const serverOptions = { requestTimeout: 300_000, keepAliveTimeout: 65_000 }

/** A server for HTTP/1.1, or with TLS also for HTTP/2. Rejects with a plain Error that names the cure. */
export async function createListener(
  tls: { certFile: string; keyFile: string } | null,
  listener: RequestListener,
): Promise<Server> {
  if (tls === null) return createServer(serverOptions, listener)
  const cert = await readPem(tls.certFile, 'server.tls.cert')
  const key = await readPem(tls.keyFile, 'server.tls.key')
  const server = createSecureServer({ cert, key, allowHTTP1: true }, listener as never)
  return server as unknown as Server
}

async function readPem(file: string, setting: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new Error(`The file of \`${setting}\` in streamstack.yaml cannot be read: ${(error as Error).message}.`, {
      cause: error,
    })
  }
}

/** Rejects with a plain Error that names the cure. */
export function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new Error(listenProblem(error, host, port), { cause: error })),
    )
    server.listen({ host, port }, resolve)
  })
}

function listenProblem(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use. Stop the other program, or choose another port with --port.`
    case 'EACCES':
      return `Port ${port} needs rights that this user does not have. Choose one above 1023 with --port.`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `This machine has no address ${host}. Choose another with --host, for example 127.0.0.1.`
    default:
      return `The server cannot listen on ${host}:${port}: ${error.message}.`
  }
}
