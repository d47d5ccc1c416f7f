import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Makes a workspace that serves streams by name to every program on this machine; gives the options of the contender `streamstack`. */
export async function streamsWorkspace(dir: string, log: 'memory' | 'sqlite'): Promise<{ dir: string; data: string }> {
  const endpoint = {
    endpoint_settings: { method: 'GET', path: '/hello' },
    function_stack: [{ function: 'Streaming API Response', content: 'Hello' }],
  }
  await mkdir(join(dir, 'endpoints'), { recursive: true })
  await writeFile(join(dir, 'endpoints', 'hello.json'), JSON.stringify(endpoint))
  await writeFile(
    join(dir, 'streamstack.yaml'),
    `log: { level: error }\nstreams: { access: open, log: ${log}, memory_bytes: 1GB }\n`,
  )
  return { dir, data: join(dir, 'data') }
}
