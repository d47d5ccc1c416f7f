export { checkCallRule, checkCallRuleInTurn } from './call-rule.ts'
export { type FunctionLibrary, type Plan, compileFunctions, compilePlan, firstFrame } from './compile-plan.ts'
export { allSteps } from './steps.ts'
export type { PlanContext } from './plan-context.ts'
