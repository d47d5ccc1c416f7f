/**
 * Builds the elements as files for pages (`packages/elements/dist/browser`): `elements.js`, which holds all but charts and works as a plain script and as a module, and
 * `elements/charts.js`, which it loads when a page has a chart, and the page of a dashboard. Says what they weigh.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Plugin, rolldown } from 'rolldown'
import { loadedAtOnce, tighten } from './browser-plugins.ts'
import { writeBuilt } from './write-built.ts'

/** What pages may have to load, in bytes, gzipped; Lit and the client included. */
export const ELEMENTS_BYTES_MAX = { chat: 28_000, all: 50_000, charts: 40_000 } as const

const home = join(import.meta.dirname, '../packages/elements')

/** Charts are found beside the script, wherever that came from: a module and a plain script resolve `./` by themselves, but not a plain one of another origin. */
const LOAD_PLOT = `
const script = document.currentScript?.src
export const loadPlot = () => import(script ? new URL('./elements/charts.js', script).href : './elements/charts.js')`

const chartsApart: Plugin = {
  name: 'charts-apart',
  load: (id) => (id.endsWith('/chart/load-plot.ts') ? { code: LOAD_PLOT, moduleType: 'js' } : null),
}

/** Bundles one module of the elements; for a plain script as one file, else with what it loads later apart. The entry comes first. */
async function bundle(entry: string, format: 'iife' | 'es'): Promise<Record<string, string>> {
  const made = await rolldown({
    input: join(home, 'src', entry),
    resolve: { conditionNames: ['streamstack-source', 'browser', 'import', 'default'] },
    platform: 'browser',
    plugins: [chartsApart, tighten, ...(format === 'iife' ? [loadedAtOnce] : [])],
    // What an element loads when it needs it.
    external: [/elements\/charts\.js$/, ...(format === 'es' ? [/foreign-source/, /\/extras/] : [])],
  })
  const { output } = await made.generate({
    format,
    ...(format === 'iife' ? { name: 'StreamstackElements', codeSplitting: false } : {}),
    minify: true,
    comments: false,
    generatedCode: { symbols: false },
  })
  await made.close()
  return Object.fromEntries(output.map((file) => [file.fileName, 'code' in file ? file.code : '']))
}

/** The text of the elements as one plain script. */
export async function bundleElements(entry = 'index.ts', format: 'iife' | 'es' = 'iife'): Promise<string> {
  return Object.values(await bundle(entry, format))[0] ?? ''
}

/** All files of `dist/browser`, by name. */
export async function elementsFiles(): Promise<Record<string, string>> {
  return {
    'elements.js': await bundleElements(),
    'elements/charts.js': await bundleElements('chart/chart-plot.ts', 'es'),
    'elements/dashboard-page.js': await bundleElements('page/dashboard-page.ts'),
    'elements/page.css': await readFile(join(home, 'src/page/page.css'), 'utf8'),
  }
}

/** Builds all files from their sources, to where the server reads them, and returns them. */
export async function buildElements(): Promise<Record<string, string>> {
  const files = await elementsFiles()
  await writeBuilt(join(home, 'dist/browser'), files)
  return files
}

if (import.meta.main) {
  const weights = Object.entries(await buildElements()).map(([name, text]) => `${name} ${gzipSync(text).byteLength}`)
  console.log(`elements, bytes gzipped: ${weights.join(', ')}`)
}
