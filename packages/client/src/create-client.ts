import { openChannel } from './channel.ts'
import type { Client, ClientOptions } from './client.ts'
import type { UntypedEndpoints } from './endpoint-types.ts'
import { httpCalls, sharedOptions } from './http-client.ts'
import { LiveSocket } from './live-socket.ts'
import { StreamError } from './stream-error.ts'

/**
 * Makes a client. With the types that `streamstack types` writes, endpoints and inputs are checked: `createClient<Endpoints>({ url })`.
 *
 * @example
 * const client = createClient({ url: 'https://api.example.com', token: () => session.token })
 * for await (const { content } of client.call('POST /api/chat', { message: 'Hi' })) show(content)
 */
export function createClient<Endpoints = UntypedEndpoints>(options: ClientOptions): Client<Endpoints> {
  const shared = sharedOptions(options)
  const socket = new LiveSocket(shared.transport, shared.silenceMsMax)
  const http = httpCalls<Endpoints>(shared, options.transport === 'websocket' ? socket : null)
  return {
    ...http,
    channel: (name) => openChannel(name, { ...shared, socket: options.transport === 'http' ? null : socket }),
    close() {
      http.close()
      socket.close(new StreamError('left', 'The client was closed.'))
    },
  }
}
