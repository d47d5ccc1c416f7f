/** Builds the client as one file for a plain `<script>` (`dist/streamstack-client.js`, global `Streamstack`) and says what it weighs. */
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

/** What the client may weigh, decoders of the protocol included. */
export const CLIENT_BYTES_MAX = 8_192

const client = join(import.meta.dirname, '../packages/client')

/** The file's text, minified. */
export async function bundleClient(): Promise<string> {
  const bundle = await rolldown({
    input: join(client, 'src/index.ts'),
    resolve: { conditionNames: ['streamstack-source'] },
    platform: 'browser',
  })
  const { output } = await bundle.write({
    file: join(client, 'dist/streamstack-client.js'),
    format: 'iife',
    name: 'Streamstack',
    minify: true,
  })
  return output[0].code
}

if (import.meta.main) {
  const bytes = gzipSync(await bundleClient()).byteLength
  console.log(`client: ${bytes} bytes gzipped, ${CLIENT_BYTES_MAX} allowed`)
  process.exitCode = bytes <= CLIENT_BYTES_MAX ? 0 : 1
}
