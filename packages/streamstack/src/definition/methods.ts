import type { EndpointDefinition } from './types.ts'

/** Those that an endpoint can be called with. */
export const METHODS: readonly EndpointDefinition['method'][] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
