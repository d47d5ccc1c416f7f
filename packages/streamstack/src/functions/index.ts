import { addRecord } from './add-record.ts'
import { aiReply } from './ai-reply.ts'
import { appendMessage } from './append-message.ts'
import { breakLoop } from './break.ts'
import { conditional } from './conditional.ts'
import { continueLoop } from './continue.ts'
import { countRecords } from './count-records.ts'
import { createVariable } from './create-variable.ts'
import { createVariables } from './create-variables.ts'
import { deleteRecord } from './delete-record.ts'
import { editRecord } from './edit-record.ts'
import { externalApiRequest } from './external-api-request.ts'
import { externalApiRequestStreaming } from './external-api-request-streaming.ts'
import { filterStream } from './filter-stream.ts'
import { forEach } from './for-each.ts'
import { forLoop } from './for.ts'
import type { FunctionDefinition } from './function-definition.ts'
import { getRecord } from './get-record.ts'
import { getRecords } from './get-records.ts'
import { group } from './group.ts'
import { loadConversation } from './load-conversation.ts'
import { logMessage } from './log.ts'
import { parallel } from './parallel.ts'
import { precondition } from './precondition.ts'
import { publishToChannel } from './publish-to-channel.ts'
import { redact } from './redact.ts'
import { returnValue } from './return.ts'
import { runFunction } from './run-function.ts'
import { screenPrompt } from './screen-prompt.ts'
import { setResponseHeader } from './set-response-header.ts'
import { sleep } from './sleep.ts'
import { splitTextFunction } from './split-text.ts'
import { stop } from './stop.ts'
import { streamingApiResponse } from './streaming-api-response.ts'
import { switchFunction } from './switch.ts'
import { throwError } from './throw-error.ts'
import { tryCatch } from './try-catch.ts'
import { updateVariable } from './update-variable.ts'
import { updateVariables } from './update-variables.ts'
import { validateInput } from './validate-input.ts'
import { whileLoop } from './while-loop.ts'

export type { Compiler, FunctionOutline, Label, LoopSlots, RegionTarget, StepSource } from './compiler.ts'
export type { Example, ExampleAnswer, ExampleTable, FunctionDefinition } from './function-definition.ts'
export { prepareEstimate } from './get-records.ts'
export { wholeVariable } from './raw-records.ts'

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
  setResponseHeader,
  logMessage,
]
