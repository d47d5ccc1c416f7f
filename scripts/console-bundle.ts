/** Builds the console's page into `packages/console/dist`, from where the server sends it. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { loadedAtOnce, tighten } from './browser-plugins.ts'

const home = join(import.meta.dirname, '../packages/console')

const LOAD_PLOT = "export const loadPlot = () => import(new URL('../elements/charts.js', import.meta.url).href)"

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
const code = output.map((file) => ('code' in file ? file.code : ''))[0] ?? ''
const target = join(home, 'dist')
await mkdir(target, { recursive: true })
await writeFile(join(target, 'console.js'), code)
for (const name of ['index.html', 'console.css', 'icon.svg'])
  await copyFile(join(home, 'static', name), join(target, name))
console.log(`console, bytes gzipped: ${gzipSync(code).byteLength}`)
