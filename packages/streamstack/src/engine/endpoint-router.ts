import findMyWay, { type Instance } from 'find-my-way'
import { routeOf } from '../definition/index.ts'
import type { Plan } from '../plan/index.ts'
import type { BrokenEndpoint } from './broken-endpoint.ts'
import { ChatResume, resumePath } from './chat-resume.ts'

/** Makes the router of the declared endpoints. A broken endpoint stands in the router like any other: a more general route must not answer in its place. */
export function routerOf(plans: ReadonlyMap<string, Plan>, broken: readonly BrokenEndpoint[]): Instance<never> {
  const router = findMyWay({ ignoreTrailingSlash: true, maxParamLength: 2_000 }) as unknown as Instance<never>
  for (const plan of plans.values()) {
    const { method, path } = plan.endpoint
    router.on(method, routerPath(path), noHandler, plan)
  }
  addResumeRoutes(router, plans)
  const taken = new Set([...plans.values()].map(({ endpoint }) => routeOf(endpoint)))
  for (const endpoint of broken) {
    const route = routeOf(endpoint)
    if (taken.has(route)) continue
    taken.add(route)
    router.on(endpoint.method, routerPath(endpoint.path), noHandler, endpoint)
  }
  for (const endpoint of broken) {
    if (endpoint.resumesChats) addResumeRoute(router, endpoint.path, endpoint)
  }
  return router
}

/** `useChat` resumes below the path of its endpoint. An endpoint that stands there goes first. */
function addResumeRoutes(router: Instance<never>, plans: ReadonlyMap<string, Plan>): void {
  for (const plan of plans.values()) {
    if (plan.endpoint.format !== 'ai-sdk') continue
    addResumeRoute(router, plan.endpoint.path, new ChatResume(plan))
  }
}

function addResumeRoute(router: Instance<never>, endpointPath: string, store: ChatResume | BrokenEndpoint): void {
  const path = routerPath(resumePath(endpointPath))
  if (router.findRoute('GET', path) === null) router.on('GET', path, noHandler, store)
}

/** A colon inside a segment is an ordinary character; the router wants it doubled. */
function routerPath(path: string): string {
  return path.replaceAll(/(?<!\/):/g, '::')
}

/** The server looks routes up and calls plans itself. */
function noHandler(): void {}
