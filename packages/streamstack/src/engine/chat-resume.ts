import type { Plan } from '../plan/index.ts'

/** The path by which chats of an endpoint are resumed, below the endpoint's own. */
export function resumePath(endpointPath: string): string {
  return `${endpointPath.replace(/\/$/, '')}/:chat_id/stream`
}

/** Stands in the router for the route by which the AI SDK's `useChat` resumes the runs of an endpoint. */
export class ChatResume {
  readonly plan: Plan

  constructor(plan: Plan) {
    this.plan = plan
  }

  get path(): string {
    return resumePath(this.plan.endpoint.path)
  }
}
