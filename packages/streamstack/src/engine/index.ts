export { type CompiledWorkspace, compileWorkspace } from './compile-workspace.ts'
export { Engine, type EngineOptions, WorkspaceError } from './engine.ts'
export { LiveRun } from './live-run.ts'
export type { StartOptions } from './runs.ts'
