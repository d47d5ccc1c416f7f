// Express 5 comes without types; the benchmark needs only this.
declare module 'express' {
  import type { IncomingMessage, Server, ServerResponse } from 'node:http'

  interface Application {
    get(path: string, handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>): void
    listen(port: number, host: string): Server
  }
  export default function express(): Application
}
