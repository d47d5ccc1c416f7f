import { type AddressInfo, type Socket, connect, createServer } from 'node:net'

/** Something that goes wrong once, on whichever connection its byte passes. */
export interface Fault {
  direction: 'request' | 'response'
  /** Bytes of that direction that still pass, counted from when the fault was armed. */
  afterBytes: number
  /** `cut`: both ends see the connection close. `reset`: they see it break. `hang`: it stays open, and nothing passes any more. */
  kind: 'cut' | 'reset' | 'hang'
}

/** How answers pass: in pieces of at most so many bytes, each after a pause. */
export interface Pace {
  pieceBytes: number
  delayMs: number
}

/** A TCP proxy in front of a test server, on which things go wrong as they do on the way to a phone. */
export interface FaultProxy extends AsyncDisposable {
  readonly url: string
  /** Bytes of answers that passed in all. */
  readonly responseBytes: number
  /** Bytes of requests that passed in all. */
  readonly requestBytes: number
  /** Connections that were opened in all. */
  readonly connections: number
  /** Sets what goes wrong next; null: nothing. */
  arm(fault: Fault | null): void
  /** Sets how answers pass from now on; null: as they come. */
  pace(pace: Pace | null): void
  /** Whether new connections are turned away. */
  refuse(refuses: boolean): void
  /** Whether the armed fault has struck. */
  readonly hasStruck: boolean
}

export async function faultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target)
  const passed = { request: 0, response: 0 }
  const sockets = new Set<Socket>()
  let armed: { fault: Fault; left: number } | null = null
  let pace: Pace | null = null
  let refuses = false
  let connections = 0

  const server = createServer((client) => {
    connections++
    if (refuses) {
      client.destroy()
      return
    }
    const upstream = connect(Number(port), hostname)
    let hangs = false
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        if (!hangs) for (const other of [client, upstream]) other.end()
      })
    }

    const strike = ({ kind }: Fault): void => {
      armed = null
      if (kind === 'hang') hangs = true
      else for (const socket of [client, upstream]) socket[kind === 'cut' ? 'destroySoon' : 'resetAndDestroy']()
    }

    /** What may pass of some bytes, and the fault that comes after. */
    const judge = (direction: Fault['direction'], data: Buffer): { allowed: Buffer; fault: Fault | null } => {
      if (armed === null || armed.fault.direction !== direction || armed.left > data.length) {
        if (armed?.fault.direction === direction) armed.left -= data.length
        return { allowed: data, fault: null }
      }
      return { allowed: data.subarray(0, armed.left), fault: armed.fault }
    }

    const pass = (direction: Fault['direction'], to: Socket) => {
      // One piece after the other, in order, however slowly they go.
      let before = Promise.resolve()
      const forward = (data: Buffer): void => {
        if (hangs) return
        const { allowed, fault } = judge(direction, data)
        passed[direction] += allowed.length
        if (allowed.length > 0 && !to.destroyed) to.write(allowed)
        if (fault !== null) strike(fault)
      }
      return (data: Buffer): void => {
        if (pace === null || direction === 'request') return forward(data)
        const { pieceBytes, delayMs } = pace
        before = before.then(async () => {
          for (let at = 0; at < data.length; at += pieceBytes) {
            await new Promise((resolve) => setTimeout(resolve, delayMs))
            forward(data.subarray(at, at + pieceBytes))
          }
        })
      }
    }
    client.on('data', pass('request', upstream))
    upstream.on('data', pass('response', client))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get responseBytes() {
      return passed.response
    },
    get requestBytes() {
      return passed.request
    },
    get connections() {
      return connections
    },
    get hasStruck() {
      return armed === null
    },
    arm(fault) {
      armed = fault === null ? null : { fault, left: fault.afterBytes }
    },
    pace(next) {
      pace = next
    },
    refuse(next) {
      refuses = next
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
