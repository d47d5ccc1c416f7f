import type { Plan } from '../plan/index.ts'

/** Stands in the router for the route by which the AI SDK's `useChat` resumes the runs of an endpoint. */
export class ChatResume {
  readonly plan: Plan

  constructor(plan: Plan) {
    this.plan = plan
  }

  /** Below the endpoint's own path. */
  get path(): string {
    return `${this.plan.endpoint.path.replace(/\/$/, '')}/:chat_id/stream`
  }
}
