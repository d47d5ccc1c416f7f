export const loadPlot = (): Promise<unknown> => import('./plot.ts')
