import { connect } from 'node:net'

/** The answers on one connection, whatever was written to it. */
export interface RawAnswers {
  /** Of every answer. */
  readonly statuses: readonly number[]
  readonly text: string
}

/** Writes bytes as they are and reads until the server closes the connection, or is silent after an answer. */
export function rawExchange(url: string, bytes: string, expected = 1): Promise<RawAnswers> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'))
    const statusesOf = (): number[] => [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, code]) => Number(code))
    socket.on('data', (data) => {
      text += data.toString('latin1')
      // What a smuggled request would be answered comes in the same turn as the answer before it.
      if (statusesOf().length >= expected) setTimeout(() => socket.destroy(), 25)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve({ statuses: statusesOf(), text }))
  })
}
