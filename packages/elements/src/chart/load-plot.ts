/** Loads uPlot and what stands around it: only pages that have a chart do. The bundle for pages writes this file anew. */
export const loadPlot = (): Promise<typeof import('./chart-plot.ts')> => import('./chart-plot.ts')
