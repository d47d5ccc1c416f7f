import { buildConsole } from '../../scripts/console-bundle.ts'
import { buildElements } from '../../scripts/elements-bundle.ts'

/** Builds what the server sends to browsers from its sources, before the first test. */
export default async function buildPages(): Promise<void> {
  await Promise.all([buildConsole(), buildElements()])
}
