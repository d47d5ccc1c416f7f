import { once } from 'node:events'
import { type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An upstream that answers nothing until it is opened: a run whose step calls it lasts as long as its test needs. */
export interface Gate extends AsyncDisposable {
  /** An entry for `outbound.allow`. */
  readonly host: string
  /** The step that waits. */
  readonly step: object
  /** Answers everything that waits, and what comes later at once. */
  open(): void
}

export async function closedGate(): Promise<Gate> {
  const waiting: ServerResponse[] = []
  let isOpen = false
  const server = createServer((_, response) => {
    if (isOpen) response.end('open')
    else waiting.push(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    step: { function: 'External API Request', url: `http://${host}/` },
    open() {
      isOpen = true
      for (const response of waiting) response.end('open')
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
