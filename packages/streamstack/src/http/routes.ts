import { publishToChannel, readChannel, readChannelByProtocol, readPresence } from './channel-routes.ts'
import {
  deleteConversation,
  exportConversations,
  listConversations,
  renameConversation,
  showConversation,
} from './conversation-routes.ts'
import { completeChat, listModels, showModel } from './chat/openai-routes.ts'
import { showDashboard } from './dashboard-routes.ts'
import {
  listWorkspaceRuns,
  makeDeveloperToken,
  readTrace,
  readWorkspace,
  showConsole,
  showWorkspaceRun,
} from './console/console-routes.ts'
import { openInEditor } from './console/editor-link.ts'
import * as named from './durable-streams/operations.ts'
import { serveElements, serveElementsPart } from './elements-files.ts'
import { showKeySet } from './key-set-route.ts'
import { listWorkspace } from './listing.ts'
import { showProbe, startProbe } from './probe/probe-route.ts'
import { showOpenApi } from './openapi/openapi-route.ts'
import { type Route, route } from './route.ts'
import { describeRoutes } from './route-table.ts'
import * as inputs from './route-inputs.ts'
import { cancelKeyedRun, cancelRun, listRuns, readRun, showRun } from './run-routes.ts'
import {
  answerHealth,
  answerReadiness,
  readActivity,
  readHistory,
  readAudit,
  readMetrics,
  scrapeMetrics,
} from './system-routes.ts'
import { makeTicket } from './ticket-routes.ts'
import { openWebSocket } from './websocket/index.ts'

const READ = ['streams:read'] as const
const WRITE = ['streams:write'] as const
const MANAGE = ['streams:read', 'streams:write'] as const
const SYSTEM = ['system:read'] as const
const SUBSCRIPTION = '/v1/stream/__ds/subscriptions/{id}'
const NONE = inputs.noInputs

/**
 * Every route of the server. Endpoints of the workspace are not here: they come and go while it runs, and go the same way (`front-door.ts`). From this
 * table come 404, 405, `Allow`, HEAD and OPTIONS, what is refused while the server stops, the paths that `check` refuses, the reference page of the HTTP
 * API and the server's part of its OpenAPI document.
 */
export const routes: readonly Route[] = [
  route('GET', '/', 'guest', NONE, 'answered', listWorkspace),
  route('GET', '/healthz', 'anyone', NONE, 'answered', answerHealth),
  route('GET', '/readyz', 'anyone', NONE, 'answered', answerReadiness),
  route('GET', '/metrics', SYSTEM, NONE, 'answered', scrapeMetrics),
  route(
    'GET',
    '/openapi.json',
    'guest',
    NONE,
    'answered',
    showOpenApi(() => describeRoutes(routes)),
  ),

  route('GET', '/elements.js', 'anyone', NONE, 'answered', serveElements),
  route('GET', '/elements/{name}', 'anyone', NONE, 'answered', serveElementsPart),
  route('GET', '/dashboards/{name}', 'guest', NONE, 'answered', showDashboard),

  route('GET', '/v1/jwks.json', 'anyone', NONE, 'answered', showKeySet),

  route('GET', '/v1/runs', 'subject', inputs.runList, 'answered', listRuns),
  route('POST', '/v1/runs/cancel', 'caller', inputs.keyedCancel, 'answered', cancelKeyedRun),
  route('GET', '/v1/runs/{id}', 'owner', NONE, 'answered', showRun),
  route('POST', '/v1/runs/{id}/cancel', 'owner', inputs.runCancel, 'answered', cancelRun),
  route('GET, HEAD', '/v1/stream/runs/{id}', 'owner', inputs.streamRead, 'answered', readRun),

  route('GET', '/v1/conversations', 'subject', inputs.conversationList, 'answered', listConversations),
  route('GET', '/v1/conversations/{id}', 'caller', inputs.conversationRead, 'answered', showConversation),
  route('PATCH', '/v1/conversations/{id}', 'caller', inputs.conversationChange, 'answered', renameConversation),
  route('DELETE', '/v1/conversations/{id}', 'caller', inputs.conversationDelete, 'answered', deleteConversation),
  route('GET', '/v1/conversation-export', 'subject', NONE, 'answered', exportConversations),

  route('POST', '/v1/chat/completions', 'anyone', inputs.chatCompletion, 'refused', completeChat),
  route('GET', '/v1/models', 'guest', NONE, 'answered', listModels),
  route('GET', '/v1/models/{name...}', 'guest', NONE, 'answered', showModel),

  route('GET', '/v1/channels/{name...}', 'reader', inputs.channelRead, 'refused', readChannel),
  route('POST', '/v1/channels/{name...}', 'caller', inputs.channelPublish, 'refused', publishToChannel),
  route('GET', '/v1/presence/{name...}', 'reader', inputs.presenceRead, 'refused', readPresence),
  route(
    'GET, HEAD',
    '/v1/stream/channels/{name...}',
    'reader',
    inputs.channelProtocolRead,
    'refused',
    readChannelByProtocol,
  ),

  route('GET, HEAD', '/v1/stream/system/metrics', SYSTEM, inputs.streamRead, 'refused', readMetrics),
  route('GET, HEAD', '/v1/stream/system/history', SYSTEM, inputs.streamRead, 'refused', readHistory),
  route('GET, HEAD', '/v1/stream/system/activity', SYSTEM, inputs.streamRead, 'refused', readActivity),
  route('GET, HEAD', '/v1/stream/system/audit', ['audit:read'], inputs.streamRead, 'refused', readAudit),

  route('GET', '/v1/stream/{name...}', READ, inputs.namedRead, 'refused', named.readNamed),
  route('HEAD', '/v1/stream/{name...}', READ, NONE, 'refused', named.headNamed),
  route('PUT', '/v1/stream/{name...}', WRITE, inputs.namedCreate, 'refused', named.createNamed),
  route('POST', '/v1/stream/{name...}', WRITE, inputs.namedAppend, 'refused', named.appendNamed),
  route('DELETE', '/v1/stream/{name...}', WRITE, NONE, 'refused', named.deleteNamed),
  route('OPTIONS', '/v1/stream/{name...}', 'anyone', NONE, 'refused', named.namedOptions),

  route('GET', '/v1/stream/__ds/jwks.json', 'anyone', NONE, 'refused', named.readKeys),
  route('GET', SUBSCRIPTION, READ, NONE, 'refused', named.showSubscription),
  route('PUT', SUBSCRIPTION, MANAGE, inputs.subscriptionPut, 'refused', named.putSubscription),
  route('DELETE', SUBSCRIPTION, MANAGE, NONE, 'refused', named.deleteSubscription),
  route('POST', `${SUBSCRIPTION}/streams`, MANAGE, inputs.subscriptionStreams, 'refused', named.addSubscribedStreams),
  route('DELETE', `${SUBSCRIPTION}/streams/{name...}`, MANAGE, NONE, 'refused', named.removeSubscribedStream),
  route('POST', `${SUBSCRIPTION}/claim`, READ, inputs.workerClaim, 'refused', named.claimWork),
  route('POST', `${SUBSCRIPTION}/ack`, 'worker', inputs.workerReport, 'refused', named.acknowledgeWork),
  route('POST', `${SUBSCRIPTION}/release`, 'worker', inputs.workerReport, 'refused', named.releaseWork),
  route('POST', `${SUBSCRIPTION}/callback`, 'worker', inputs.workerReport, 'refused', named.answerCallback),

  route('GET', '/v1/workspace', 'console', NONE, 'answered', readWorkspace),
  route('GET', '/v1/workspace/runs', 'console', inputs.runList, 'answered', listWorkspaceRuns),
  route('GET', '/v1/workspace/runs/{id}', 'console', NONE, 'answered', showWorkspaceRun),
  route('GET', '/v1/workspace/editor', 'console', inputs.editorPlace, 'answered', openInEditor),
  route('POST', '/v1/workspace/token', 'console', NONE, 'refused', makeDeveloperToken),
  route('GET, HEAD', '/v1/stream/runs/{id}/trace', 'console', inputs.streamRead, 'answered', readTrace),
  route('GET', '/console', 'anyone', NONE, 'answered', showConsole),
  route('GET', '/console/{name...}', 'anyone', NONE, 'answered', showConsole),

  route('POST', '/v1/tickets', 'caller', inputs.ticketRequest, 'answered', makeTicket),
  route('GET', '/v1/ws', 'anyone', inputs.webSocketHandshake, 'answered', openWebSocket),
  route('GET', '/v1/probe', 'anyone', inputs.probe, 'refused', startProbe),
  route('GET', '/v1/probe/{id}', 'anyone', NONE, 'refused', showProbe),
]
