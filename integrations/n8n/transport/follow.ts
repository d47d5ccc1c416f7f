import { sleep } from 'n8n-workflow';
import { type Frame, FrameDecoder } from './frames';
import { type Open, type ServerAnswer, ServerError, type ServerRequest, refusal } from './open';

/** The server sends a sign of life every 15 s; after three without one the connection is dead. */
const SILENCE_MS_MAX = 45_000;

/** Longest pause that a server can ask for: timers overflow at 24.8 days and then fire at once. */
const RETRY_AFTER_MS_MAX = 3_600_000;

const DELAY_MS = 500;
const DELAY_MS_MAX = 30_000;

export type Chunk = Extract<Frame, { type: 'chunk' }>;
export type End = Extract<Frame, { type: 'end' }>;

/** Where a reader stands. */
export interface Position {
	/** Path of the stream to resume at; null until the server has named it. */
	path: string | null;
	/** Of the last chunk that was taken; `now` and `begin` before the first. */
	after: number | 'now' | 'begin';
}

export interface FollowOptions {
	open: Open;
	/** Sent until the server has named a stream; safe to repeat because it carries an Idempotency-Key. Null: `position.path` is known. */
	call: ServerRequest | null;
	position: Position;
	signal: AbortSignal;
	/** Connections that may fail one after the other without a chunk between them. */
	attempts: number;
	/** Told about the run that the call started or joined. */
	onRun?: (id: string) => void;
}

/**
 * Yields the chunks of a stream in order, each once, and returns its end. A connection that breaks is opened again after the last chunk taken. Throws
 * ServerError when the server refuses or `attempts` connections failed in a row, and the signal's reason when it aborts.
 */
export async function* follow(options: FollowOptions): AsyncGenerator<Chunk, End> {
	const { position, signal, attempts } = options;
	let failures = 0;
	for (;;) {
		let wait = delayMs(failures);
		try {
			for await (const frame of connection(options)) {
				if (frame.type === 'end') return frame;
				if (frame.type === 'error') {
					// With an offset it is the run's own error: the end that follows repeats it. Without one it concerns this connection alone.
					if (frame.offset === null) throw ServerError.from(frame.error, 200);
					position.after = frame.offset;
					continue;
				}
				if (typeof position.after === 'number' && frame.offset <= position.after) continue;
				failures = 0;
				position.after = frame.offset;
				yield frame;
			}
			throw lost('The connection ended before the stream.');
		} catch (error) {
			signal.throwIfAborted();
			const known = error instanceof ServerError ? error : lost((error as Error).message);
			if (!known.isRecoverable || ++failures >= attempts) throw known;
			wait = Math.max(wait, Math.min(known.retryAfterMs ?? 0, RETRY_AFTER_MS_MAX));
		}
		await sleep(wait, signal);
	}
}

async function* connection({ open, call, position, signal, onRun }: FollowOptions): AsyncGenerator<Frame> {
	const stop = new AbortController();
	const hangUp = () => stop.abort(signal.reason);
	signal.addEventListener('abort', hangUp, { once: true });
	try {
		signal.throwIfAborted();
		const answer = await watched(open(requestOf(call, position), stop.signal), signal);
		if (answer.status >= 400) throw await refusal(answer);
		const run = answer.headers['stream-run'];
		if (typeof run === 'string') onRun?.(run);
		const url = answer.headers['stream-url'];
		if (position.path === null && typeof url === 'string') position.path = url;
		yield* framesOf(answer, signal);
	} finally {
		signal.removeEventListener('abort', hangUp);
		stop.abort();
	}
}

function requestOf(call: ServerRequest | null, { path, after }: Position): ServerRequest {
	const headers = { Accept: 'application/x-ndjson' };
	if (path === null) return { ...(call as ServerRequest), headers: { ...call?.headers, ...headers } };
	const query = after === 'begin' ? '' : `?offset=${after}`;
	return { method: 'GET', path: path + query, headers };
}

async function* framesOf({ body, headers }: ServerAnswer, signal: AbortSignal): AsyncGenerator<Frame> {
	const type = String(headers['content-type'] ?? 'nothing');
	if (!type.startsWith('application/x-ndjson')) {
		throw new ServerError('answer_unknown', `The answer is ${type}, not a stream of Streamstack.`, 200, false);
	}
	const decoder = new FrameDecoder();
	const pieces = body[Symbol.asyncIterator]();
	for (;;) {
		const piece = await watched(pieces.next(), signal);
		if (piece.done === true) return;
		for (const frame of decoder.push(piece.value)) if (frame !== null) yield frame;
	}
}

/** Rejects when `work` stays silent for too long or the signal aborts. */
async function watched<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
	const done = new AbortController();
	const stop = () => done.abort(signal.reason);
	signal.addEventListener('abort', stop, { once: true });
	const silence = sleep(SILENCE_MS_MAX, done.signal).then(() => {
		throw lost(`The server was silent for ${SILENCE_MS_MAX / 1_000} seconds.`);
	});
	try {
		return await Promise.race([work, silence]);
	} finally {
		signal.removeEventListener('abort', stop);
		done.abort();
		silence.catch(() => undefined);
		work.catch(() => undefined);
	}
}

function lost(message: string): ServerError {
	return new ServerError('connection_lost', message, 0, true);
}

/** Half of it at random, so that clients of a server that restarted do not come all at once. */
function delayMs(failures: number): number {
	const most = Math.min(DELAY_MS * 2 ** failures, DELAY_MS_MAX);
	return most / 2 + (Math.random() * most) / 2;
}
