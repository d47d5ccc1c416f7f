export { FilterStop } from './chunk-filter.ts'
export type { AttachedFilter, ChunkFilter } from './chunk-filter.ts'
export { execute } from './execute.ts'
export { FairQueue } from './fair-queue.ts'
export { type CaughtError, type Completion, type Frame, type Slot, newFrame } from './frame.ts'
export type {
  Op,
  Program,
  Region,
  RunningRun,
  RunLimits,
  StepInfo,
  Strand,
  TraceEvent,
  TracePlace,
  TraceSink,
} from './program.ts'
export { type Outlet, chunkOf, metadataText } from './outlet.ts'
export { Run, type RunSetup } from './run.ts'
export { type NewRun, type PacedChunk, type RunState, type StreamOptions, newRunState } from './run-state.ts'
export type { SmoothCut } from './smoother.ts'
export type { Logger, Services } from './services.ts'
export { END, STOP } from './signals.ts'
export { evaluateInTurn, inTurn, spendTurn } from './turn.ts'
export { complete, leaveFinally } from './unwind.ts'
