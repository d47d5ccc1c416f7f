import { addRecord } from './data/add-record.ts'
import { aiReply } from './outbound/ai-reply.ts'
import { appendMessage } from './data/append-message.ts'
import { breakLoop } from './flow/break.ts'
import { conditional } from './flow/conditional.ts'
import { continueLoop } from './flow/continue.ts'
import { countRecords } from './data/count-records.ts'
import { createToken } from './access/create-token.ts'
import { createVariable } from './flow/create-variable.ts'
import { createVariables } from './flow/create-variables.ts'
import { deleteRecord } from './data/delete-record.ts'
import { editRecord } from './data/edit-record.ts'
import { externalApiRequest } from './outbound/external-api-request.ts'
import { externalApiRequestStreaming } from './outbound/external-api-request-streaming.ts'
import { filterStream } from './stream/filter-stream.ts'
import { forEach } from './flow/for-each.ts'
import { forLoop } from './flow/for.ts'
import type { FunctionDefinition } from './parts/function-definition.ts'
import { getRecord } from './data/get-record.ts'
import { getRecords } from './data/get-records.ts'
import { group } from './flow/group.ts'
import { hashPasswordFunction } from './access/hash-password.ts'
import { loadConversation } from './data/load-conversation.ts'
import { logMessage } from './flow/log.ts'
import { parallel } from './flow/parallel.ts'
import { precondition } from './flow/precondition.ts'
import { publishToChannel } from './stream/publish-to-channel.ts'
import { redact } from './stream/redact.ts'
import { response } from './stream/response.ts'
import { returnValue } from './flow/return.ts'
import { runFunction } from './flow/run-function.ts'
import { screenPrompt } from './data/screen-prompt.ts'
import { setResponseHeader } from './stream/set-response-header.ts'
import { sleep } from './flow/sleep.ts'
import { splitTextFunction } from './data/split-text.ts'
import { stop } from './flow/stop.ts'
import { streamingApiResponse } from './stream/streaming-api-response.ts'
import { switchFunction } from './flow/switch.ts'
import { throwError } from './flow/throw-error.ts'
import { tryCatch } from './flow/try-catch.ts'
import { updateVariable } from './flow/update-variable.ts'
import { updateVariables } from './flow/update-variables.ts'
import { validateInput } from './data/validate-input.ts'
import { verifyPasswordFunction } from './access/verify-password.ts'
import { whileLoop } from './flow/while-loop.ts'

export type { Compiler, FunctionOutline, Label, LoopSlots, RegionTarget, StepSource } from './parts/compiler.ts'
export type { Example, ExampleAnswer, ExampleTable, FunctionDefinition } from './parts/function-definition.ts'
export { prepareEstimate } from './data/get-records.ts'
export { wholeVariable } from './parts/raw-records.ts'

/** Every function, in the order of the reference page. */
export const functions: readonly FunctionDefinition[] = [
  createVariable,
  createVariables,
  updateVariable,
  updateVariables,
  forEach,
  forLoop,
  whileLoop,
  conditional,
  switchFunction,
  tryCatch,
  throwError,
  precondition,
  breakLoop,
  continueLoop,
  stop,
  returnValue,
  group,
  sleep,
  runFunction,
  parallel,
  streamingApiResponse,
  response,
  splitTextFunction,
  publishToChannel,
  getRecords,
  getRecord,
  countRecords,
  addRecord,
  editRecord,
  deleteRecord,
  externalApiRequest,
  externalApiRequestStreaming,
  validateInput,
  screenPrompt,
  filterStream,
  redact,
  aiReply,
  loadConversation,
  appendMessage,
  hashPasswordFunction,
  verifyPasswordFunction,
  createToken,
  setResponseHeader,
  logMessage,
]
