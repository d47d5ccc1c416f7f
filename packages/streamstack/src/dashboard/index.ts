export { type DashboardDefinition, readDashboard } from './read-dashboard.ts'
export type { KnownSources } from './source.ts'
