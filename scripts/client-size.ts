/** Builds the client as one file for a plain `<script>` (`dist/streamstack-client.js`, global `Streamstack`) and says what it weighs. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

/** What the client may weigh, decoders of the protocol included. */
export const CLIENT_BYTES_MAX = 9_216

const client = join(import.meta.dirname, '../packages/client')

/** The file's text, minified: for a plain `<script>`, or as a module. */
export async function bundleClient(format: 'iife' | 'es' = 'iife'): Promise<string> {
  const bundle = await rolldown({
    input: join(client, 'src/index.ts'),
    resolve: { conditionNames: ['streamstack-source'] },
    platform: 'browser',
  })
  const { output } = await bundle.generate({
    format,
    name: 'Streamstack',
    minify: true,
    comments: false,
    generatedCode: { symbols: false },
  })
  return output[0].code
}

if (import.meta.main) {
  const text = await bundleClient()
  await mkdir(join(client, 'dist'), { recursive: true })
  await writeFile(join(client, 'dist/streamstack-client.js'), text)
  const bytes = gzipSync(text).byteLength
  console.log(`client: ${bytes} bytes gzipped, ${CLIENT_BYTES_MAX} allowed`)
  process.exitCode = bytes <= CLIENT_BYTES_MAX ? 0 : 1
}
