import { FORMAT_NAMES } from './formats/format-names.ts'

/**
 * The error table: every code that Streamstack sends, with its HTTP status, whether trying again may help, and a title.
 * The docs page `docs/reference/errors.md` is made from it. The code that throws adds details beyond the title.
 */
export interface ErrorRow {
  /** HTTP status when the error comes before the first chunk. */
  status: number
  /** Whether the same call may succeed later, unchanged. */
  recoverable: boolean
  /** One short sentence, the `title` of the problem answer (RFC 9457). */
  title: string
  /** What a person does about it; shown on the reference page. */
  cure: string
  /** Its messages name what only the operator may know: steps, expressions, tables, columns, addresses. With `server.errors: public` callers get the title. */
  isForOperator?: true
}

export const ERRORS = {
  input_invalid: {
    status: 400,
    recoverable: false,
    title: 'The request is invalid.',
    cure: 'Look at the message, and at `errors`: each entry names an input and what it must be.',
  },
  input_unusable: {
    status: 400,
    recoverable: false,
    title: 'An input has a value that the endpoint cannot use.',
    cure: 'Send another value. The server log names the step and the parameter; declare what the input must be (`type`, `min`, `max`, `values`), and callers learn it from `input_invalid`.',
    isForOperator: true,
  },
  body_unreadable: {
    status: 400,
    recoverable: false,
    title: 'The request body cannot be read.',
    cure: 'Send valid JSON with Content-Type: application/json.',
  },
  body_too_large: {
    status: 413,
    recoverable: false,
    title: 'The request body is larger than is accepted here.',
    cure: 'Send less, or raise `server.body_limit` in streamstack.yaml, for a message `max_bytes` of its channel.',
  },
  media_type_unsupported: {
    status: 415,
    recoverable: false,
    title: 'The Content-Type of the request body is not supported.',
    cure: 'Send application/json or application/x-www-form-urlencoded.',
  },
  format_unknown: {
    status: 406,
    recoverable: false,
    title: 'The asked format does not exist.',
    cure: `Use ?format= with one of: ${FORMAT_NAMES.join(', ')}.`,
  },
  unauthenticated: {
    status: 401,
    recoverable: false,
    title: 'A valid token is required.',
    cure: 'Send Authorization: Bearer <token>. `streamstack token` makes one for trying.',
  },
  forbidden: {
    status: 403,
    recoverable: false,
    title: 'The caller may not do this.',
    cure: 'Use a token with the role or scope that is asked for; list origins of pages under `server.cors.origins`.',
  },
  host_unknown: {
    status: 421,
    recoverable: false,
    title: 'The server does not answer to this host.',
    cure: 'Call it by a host that `server.hosts` in streamstack.yaml lists, or add the host there.',
  },
  endpoint_unknown: {
    status: 404,
    recoverable: false,
    title: 'There is no such endpoint.',
    cure: 'Open / on the server for the list of endpoints.',
  },
  endpoint_broken: {
    status: 503,
    recoverable: true,
    title: 'The definition of this endpoint has a fault.',
    cure: 'Mend its file: `streamstack check` names the place. It is served as soon as it is saved.',
  },
  method_not_allowed: {
    status: 405,
    recoverable: false,
    title: 'The path exists, but not with this method.',
    cure: 'Use a method from the Allow header.',
  },
  run_unknown: {
    status: 404,
    recoverable: false,
    title: 'There is no such run, or it has expired.',
    cure: 'Start a new run.',
  },
  conversation_unknown: {
    status: 404,
    recoverable: false,
    title: 'There is no such conversation.',
    cure: 'Look at the id; GET /v1/conversations lists those of the caller.',
  },
  conversation_busy: {
    status: 409,
    recoverable: true,
    title: 'Too many calls wait for this conversation.',
    cure: 'Wait for the answer before sending the next message.',
  },
  content_blocked: {
    status: 422,
    recoverable: false,
    title: 'The content is not allowed here.',
    cure: 'Send something else. What is refused stands in the steps Validate Input, Screen Prompt and Filter Stream of the endpoint.',
  },
  idempotency_conflict: {
    status: 422,
    recoverable: false,
    title: 'The Idempotency-Key was used for another call.',
    cure: 'Send a fresh Idempotency-Key with each new call, and the same one only to try the same call again.',
  },
  offset_invalid: {
    status: 400,
    recoverable: false,
    title: 'The offset is not one of this stream.',
    cure: 'Send an offset that this stream gave out, or -1 for its start.',
  },
  offset_expired: {
    status: 410,
    recoverable: false,
    title: 'The stream no longer holds the chunks after this offset.',
    cure: 'Read from `first_offset`, or start a new run.',
  },
  stream_unknown: {
    status: 404,
    recoverable: false,
    title: 'There is no such stream.',
    cure: 'Create it with PUT; look at the name.',
  },
  stream_deleted: {
    status: 410,
    recoverable: false,
    title: 'The stream was deleted.',
    cure: 'Use another name; this one is free again when the last fork is deleted.',
  },
  stream_exists: {
    status: 409,
    recoverable: false,
    title: 'A stream of this name exists, and differs from the one asked for.',
    cure: 'Ask for the same type, expiry and origin, or use another name.',
  },
  stream_closed: {
    status: 409,
    recoverable: false,
    title: 'The stream is closed.',
    cure: 'Append to another stream; a closed one can only be read.',
  },
  channel_unknown: {
    status: 404,
    recoverable: false,
    title: 'There is no such channel.',
    cure: 'Look at the name; channels are declared in channels/<name>.yaml.',
  },
  channel_full: {
    status: 503,
    recoverable: true,
    title: 'There are as many channels in use, or members in one, as there may be.',
    cure: 'Try again later, or raise `channels.max_open` in streamstack.yaml.',
  },
  content_type_conflict: {
    status: 409,
    recoverable: false,
    title: "The Content-Type is not the stream's.",
    cure: 'Send the Content-Type that the stream was created with.',
  },
  sequence_conflict: {
    status: 409,
    recoverable: false,
    title: 'The sequence number is not the next one.',
    cure: 'Go on from `expected_sequence`, or read the stream to see what it holds.',
  },
  producer_fenced: {
    status: 403,
    recoverable: false,
    title: 'A newer producer has taken over.',
    cure: 'Stop, or begin an epoch greater than `producer_epoch`.',
  },
  header_invalid: {
    status: 400,
    recoverable: false,
    title: 'A header or query parameter of the request is not as it must be.',
    cure: 'Look at the message: it names the header and what it must be.',
  },
  message_invalid: {
    status: 400,
    recoverable: false,
    title: 'A message over the WebSocket is not as it must be.',
    cure: 'Look at the message: it names the field and what it must be.',
  },
  rate_limited: {
    status: 429,
    recoverable: true,
    title: 'Too many calls.',
    cure: 'Wait as long as Retry-After says. The fields RateLimit and RateLimit-Policy tell the limit and what is left of it.',
  },
  too_many: {
    status: 429,
    recoverable: true,
    title: 'Too much was asked for at once.',
    cure: 'End something before asking for more, or raise the named setting in streamstack.yaml.',
  },
  storage_full: {
    status: 507,
    recoverable: true,
    title: 'The storage is full.',
    cure: 'Delete streams, free disk space, or raise the named setting.',
    isForOperator: true,
  },
  reader_too_slow: {
    status: 410,
    recoverable: false,
    title: 'This reader fell further behind than the stream keeps.',
    cure: 'Read faster, or raise `streams.window_bytes` in streamstack.yaml.',
  },
  result_too_large: {
    status: 413,
    recoverable: false,
    title: 'The whole result is too large for one JSON answer.',
    cure: 'Ask for a streaming format: ?format=ndjson or ?format=sse.',
  },
  limit_exceeded: {
    status: 422,
    recoverable: false,
    title: 'The run reached a limit of this endpoint.',
    cure: 'Raise the named limit in endpoint_settings or streamstack.yaml, or do less in one run.',
    isForOperator: true,
  },
  cancelled: {
    status: 409,
    recoverable: false,
    title: 'The run was cancelled.',
    cure: 'Start a new run.',
  },
  abandoned: {
    status: 503,
    recoverable: true,
    title: 'The run was cut off.',
    cure: 'Read what was kept of it, and start it again for the rest.',
  },
  expression_failed: {
    status: 500,
    recoverable: false,
    title: 'An expression of the endpoint failed.',
    cure: 'Look at the named step and expression.',
    isForOperator: true,
  },
  step_failed: {
    status: 500,
    recoverable: false,
    title: 'A step of the endpoint failed.',
    cure: 'Look at the named step.',
    isForOperator: true,
  },
  precondition_failed: {
    status: 400,
    recoverable: false,
    title: 'A precondition of the endpoint is not met.',
    cure: 'Look at the message, which the endpoint wrote.',
  },
  thrown: {
    status: 500,
    recoverable: false,
    title: 'The endpoint threw an error.',
    cure: 'Look at the message, which the endpoint wrote.',
  },
  table_unknown: {
    status: 500,
    recoverable: false,
    title: 'The table does not exist.',
    cure: 'Declare it in tables/<name>.yaml.',
    isForOperator: true,
  },
  column_unknown: {
    status: 500,
    recoverable: false,
    title: 'The column does not exist.',
    cure: "Use a column of the table's declaration, or add it there.",
    isForOperator: true,
  },
  query_invalid: {
    status: 500,
    recoverable: false,
    title: 'The query cannot be run.',
    cure: 'Look at the message: it names the part of the query.',
    isForOperator: true,
  },
  record_invalid: {
    status: 400,
    recoverable: false,
    title: 'The record does not fit its table.',
    cure: 'Look at the message: it names the column and what it must hold.',
    isForOperator: true,
  },
  record_conflict: {
    status: 409,
    recoverable: false,
    title: 'A record with the same unique value exists.',
    cure: 'Edit that record instead, or use another value.',
    isForOperator: true,
  },
  record_missing: {
    status: 404,
    recoverable: false,
    title: 'The record does not exist.',
    cure: 'Check the value that it is looked up by.',
    isForOperator: true,
  },
  storage_failed: {
    status: 503,
    recoverable: true,
    title: 'The storage could not do what was asked.',
    cure: 'Look at the server log; check the disk of the data folder.',
    isForOperator: true,
  },
  upstream_refused: {
    status: 500,
    recoverable: false,
    title: 'The outbound address is not allowed.',
    cure: 'List it under `outbound.allow` in streamstack.yaml if it is meant to be reached.',
    isForOperator: true,
  },
  upstream_failed: {
    status: 502,
    recoverable: true,
    title: 'The upstream service could not be reached, or broke off.',
    cure: 'Try again later; look at the server log for the cause.',
    isForOperator: true,
  },
  upstream_status: {
    status: 502,
    recoverable: false,
    title: 'The upstream service answered with an error status.',
    cure: 'Look at `upstream_status`.',
    isForOperator: true,
  },
  upstream_timeout: {
    status: 504,
    recoverable: true,
    title: 'The upstream service did not answer in time.',
    cure: 'Try again later, or raise `timeout` on the step.',
    isForOperator: true,
  },
  upstream_too_large: {
    status: 502,
    recoverable: false,
    title: 'The upstream answer is larger than this step accepts.',
    cure: 'Ask upstream for less, read it as a stream, or raise `max_bytes` on the step.',
    isForOperator: true,
  },
  file_unreadable: {
    status: 500,
    recoverable: false,
    title: 'A file cannot be read as what it should be.',
    cure: 'Look at the message: it names the file, the place in it where known, and what was expected.',
    isForOperator: true,
  },
  setting_invalid: {
    status: 500,
    recoverable: false,
    title: 'A setting cannot be used.',
    cure: 'Look at the message: it names the key in streamstack.yaml.',
    isForOperator: true,
  },
  unavailable: {
    status: 503,
    recoverable: true,
    title: 'The server cannot take this call now.',
    cure: 'Try again after Retry-After. If `recoverable` is false, the operator must first do what the message says.',
  },
  internal: {
    status: 500,
    recoverable: false,
    title: 'Something went wrong inside the server.',
    cure: 'Look at the server log for the run id.',
  },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS
