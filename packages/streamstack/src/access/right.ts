/** Rights that a token holds as a scope or a role, and that `streams.access: open` gives to every program on this machine. */
export type ServerRight = 'streams:read' | 'streams:write' | 'system:read' | 'audit:read'

/**
 * The right that a route of the server asks for:
 * - scopes, of which all are needed;
 * - `guest`: a token is verified if one is sent; one that is not accepted counts as none;
 * - `caller`: a token is verified if one is sent, and the rules of what is asked for decide;
 * - `reader`: the same, and where `channels.token_in_url` allows it the token may stand in the URL;
 * - `subject`: a token that names a subject, or open access;
 * - `owner`: the caller that started the run; any caller that knows its id can read a run without an owner;
 * - `worker`: the token that a subscription gave to its worker, which the handler checks;
 * - `console`: callers that may read the workspace and traces of runs: in `streamstack dev` programs and pages of this machine, else the roles of
 *   `console.access`; where there are none, the route does not exist;
 * - `anyone`: credentials are not looked at.
 */
export type RouteRight =
  | readonly ServerRight[]
  | 'guest'
  | 'caller'
  | 'reader'
  | 'subject'
  | 'owner'
  | 'worker'
  | 'console'
  | 'anyone'
