import { randomBytes } from 'node:crypto'
import { type Socket, connect } from 'node:net'

/** A WebSocket by hand, which sends whatever bytes a test wants and answers nothing by itself but a close. */
export interface RawWebSocket extends AsyncDisposable {
  /** Code of the server's close frame; null: the connection ended without one. */
  readonly closed: Promise<number | null>
  /** Bytes that the server has sent behind the handshake. */
  readonly receivedBytes: number
  /** Bytes as they are. */
  write(bytes: Buffer): void
  /** One frame, masked as clients must. */
  frame(firstByte: number, payload: Buffer | string): void
}

export async function openRawWebSocket(base: string): Promise<RawWebSocket> {
  const { hostname, port, host } = new URL(base)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  const rest = await shakeHands(socket, host)
  const received: Buffer[] = [rest]
  socket.on('data', (data: Buffer) => {
    received.push(data)
    if (closeCode(Buffer.concat(received)) !== null) socket.end(maskedFrame(0x88, Buffer.alloc(0)))
  })
  const closed = new Promise<number | null>((resolve) => {
    socket.once('close', () => resolve(closeCode(Buffer.concat(received))))
  })
  return {
    closed,
    get receivedBytes() {
      return received.reduce((sum, { length }) => sum + length, 0)
    },
    write: (bytes) => void socket.write(bytes),
    frame: (firstByte, payload) => void socket.write(maskedFrame(firstByte, Buffer.from(payload))),
    async [Symbol.asyncDispose]() {
      socket.destroy()
      await closed
    },
  }
}

function shakeHands(socket: Socket, host: string): Promise<Buffer> {
  socket.write(
    `GET /v1/ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  )
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0)
    const read = (data: Buffer): void => {
      head = Buffer.concat([head, data])
      const end = head.indexOf('\r\n\r\n')
      if (end === -1) return
      socket.off('data', read)
      if (head.toString('latin1', 0, 12) === 'HTTP/1.1 101') resolve(head.subarray(end + 4))
      else reject(new Error(head.toString()))
    }
    socket.on('data', read)
  })
}

function maskedFrame(firstByte: number, payload: Buffer): Buffer {
  const mask = randomBytes(4)
  const head = payload.length < 126 ? Buffer.of(firstByte, 0x80 | payload.length) : Buffer.alloc(4)
  if (payload.length >= 126) {
    head[0] = firstByte
    head[1] = 0xfe
    head.writeUInt16BE(payload.length, 2)
  }
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ mask.readUInt8(index % 4))])
}

/** Reads frames without a mask up to the one that closes. */
function closeCode(bytes: Buffer): number | null {
  for (let at = 0; at + 2 <= bytes.length;) {
    const short = bytes.readUInt8(at + 1) & 0x7f
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10)
    if (bytes[at] === 0x88) return length < 2 ? null : bytes.readUInt16BE(start)
    at = start + length
  }
  return null
}
