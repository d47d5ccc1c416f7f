/** Calls of the Durable Streams protocol that prepare a measurement or check it afterwards. */

export function streamPath(name: string): string {
  return `/v1/stream/${name}`
}

function streamUrl(port: number, name: string): string {
  return `http://127.0.0.1:${port}${streamPath(name)}`
}

export async function createStream(port: number, name: string, contentType: string): Promise<void> {
  const response = await fetch(streamUrl(port, name), { method: 'PUT', headers: { 'Content-Type': contentType } })
  if (!response.ok) throw new Error(`PUT ${name}: ${response.status} ${await response.text()}`)
}

export async function appendTo(
  port: number,
  name: string,
  contentType: string,
  body: Buffer<ArrayBuffer>,
): Promise<void> {
  const response = await fetch(streamUrl(port, name), {
    method: 'POST',
    headers: { 'Content-Type': contentType },
    body,
  })
  if (!response.ok) throw new Error(`POST ${name}: ${response.status} ${await response.text()}`)
}

export async function closeStream(port: number, name: string): Promise<void> {
  const response = await fetch(streamUrl(port, name), { method: 'POST', headers: { 'Stream-Closed': 'true' } })
  if (!response.ok) throw new Error(`POST ${name}: ${response.status} ${await response.text()}`)
}

/** How many bytes a stream holds, by reading it from its start. */
export async function streamBytes(port: number, name: string): Promise<number> {
  let offset = '-1'
  for (let bytes = 0; ;) {
    const response = await fetch(`${streamUrl(port, name)}?offset=${offset}`)
    if (!response.ok) throw new Error(`GET ${name}: ${response.status} ${await response.text()}`)
    bytes += (await response.arrayBuffer()).byteLength
    offset = response.headers.get('Stream-Next-Offset') ?? offset
    if (response.headers.get('Stream-Up-To-Date') === 'true') return bytes
  }
}
