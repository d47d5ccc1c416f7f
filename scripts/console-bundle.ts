/** Builds the console's page into `packages/console/dist`, from where the server sends it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { loadedAtOnce, tighten } from './browser-plugins.ts'
import { writeBuilt } from './write-built.ts'

const home = join(import.meta.dirname, '../packages/console')

const LOAD_PLOT = "export const loadPlot = () => import(new URL('../elements/charts.js', import.meta.url).href)"

async function bundle(): Promise<string> {
  const made = await rolldown({
    input: join(home, 'src/main.ts'),
    resolve: { conditionNames: ['streamstack-source', 'browser', 'import', 'default'] },
    platform: 'browser',
    plugins: [
      {
        name: 'charts-apart',
        // The server sends the charts for all pages.
        load: (id) => (id.endsWith('/chart/load-plot.ts') ? { code: LOAD_PLOT, moduleType: 'js' } : null),
      },
      tighten,
      loadedAtOnce,
    ],
  })
  const { output } = await made.generate({ format: 'es', minify: true, comments: false, codeSplitting: false })
  await made.close()
  return output.map((file) => ('code' in file ? file.code : ''))[0] ?? ''
}

/** Builds the page from its sources, to where the server reads it. Returns its script. */
export async function buildConsole(): Promise<string> {
  const code = await bundle()
  const files: Record<string, string> = { 'console.js': code }
  for (const name of ['index.html', 'console.css', 'icon.svg'])
    files[name] = await readFile(join(home, 'static', name), 'utf8')
  await writeBuilt(join(home, 'dist'), files)
  return code
}

if (import.meta.main) console.log(`console, bytes gzipped: ${gzipSync(await buildConsole()).byteLength}`)
