import type { IHttpRequestMethods, IHttpRequestOptions } from 'n8n-workflow';
import type { PublicError } from './frames';

/** A request to the server: `path` begins with a slash and holds the query. */
export interface ServerRequest {
	method: IHttpRequestMethods;
	path: string;
	headers?: Record<string, string>;
	/** JSON text. */
	body?: string;
}

/** An answer whose body is still arriving. */
export interface ServerAnswer {
	status: number;
	headers: Record<string, string | string[] | undefined>;
	body: AsyncIterable<Uint8Array>;
}

/** Sends one request. The signal ends it and its body. */
export type Open = (request: ServerRequest, signal: AbortSignal) => Promise<ServerAnswer>;

type Send = (options: IHttpRequestOptions) => Promise<unknown>;

/** `send`: one of n8n's request helpers, which apply its proxy, TLS and access settings. `headers`: for each request. */
export function opener(send: Send, serverUrl: string, headers: Record<string, string> = {}): Open {
	const base = serverUrl.trim().replace(/\/+$/, '');
	return async (request, signal) => {
		const answer = (await send({
			method: request.method,
			url: base + request.path,
			headers: {
				...headers,
				...(request.body === undefined ? {} : { 'Content-Type': 'application/json' }),
				...request.headers,
			},
			...(request.body === undefined ? {} : { body: request.body }),
			encoding: 'stream',
			json: false,
			returnFullResponse: true,
			// In stream mode n8n would drop the body of an error, and the server explains itself there.
			ignoreHttpStatusErrors: true,
			// n8n counts idle time here and would cut a quiet stream; the follower has its own watch.
			timeout: 0,
			abortSignal: signal,
		})) as { statusCode: number; headers: ServerAnswer['headers']; body: AsyncIterable<Uint8Array> };
		return { status: answer.statusCode, headers: answer.headers, body: answer.body };
	};
}

/** The server's refusal, or a failure on the way to it. */
export class ServerError extends Error {
	constructor(
		readonly code: string,
		message: string,
		/** HTTP status; 0 when there was no answer. */
		readonly status: number,
		readonly isRecoverable: boolean,
		/** Milliseconds that the server asks to wait; null when it does not say. */
		readonly retryAfterMs: number | null = null,
	) {
		super(message);
		this.name = 'ServerError';
	}

	static from({ code, message, recoverable = false, retry_after = null }: PublicError, status: number): ServerError {
		return new ServerError(code, message, status, recoverable, retry_after === null ? null : retry_after * 1_000);
	}
}

const PROBLEM_BYTES_MAX = 64 * 1024;

const RECOVERABLE_STATUSES = new Set([429, 502, 503, 504]);

/** Reads the problem document of a refused request. */
export async function refusal(answer: ServerAnswer): Promise<ServerError> {
	const text = await textOf(answer, PROBLEM_BYTES_MAX);
	const after = Number(answer.headers['retry-after']);
	const retryAfterMs = Number.isFinite(after) && after >= 0 ? after * 1_000 : null;
	const isRecoverable = RECOVERABLE_STATUSES.has(answer.status);
	try {
		const problem = JSON.parse(text) as { code?: string; detail?: string; title?: string; errors?: unknown };
		const faults = Array.isArray(problem.errors)
			? problem.errors.map((fault: { message?: string }) => fault.message ?? '').filter((one) => one !== '')
			: [];
		const message = [problem.detail ?? problem.title ?? '', ...faults].join(' ').trim();
		return new ServerError(
			problem.code ?? `http_${answer.status}`,
			message === '' ? `The server answered with status ${answer.status}.` : message,
			answer.status,
			isRecoverable,
			retryAfterMs,
		);
	} catch {
		const message = `The server answered with status ${answer.status} and no problem document. Is the URL that of a Streamstack server?`;
		return new ServerError(`http_${answer.status}`, message, answer.status, isRecoverable, retryAfterMs);
	}
}

/** Reads a whole answer as JSON. Throws ServerError. */
export async function jsonOf(open: Open, request: ServerRequest, signal: AbortSignal): Promise<unknown> {
	const answer = await open(request, signal);
	if (answer.status >= 400) throw await refusal(answer);
	return JSON.parse(await textOf(answer, 64 * 1024 * 1024)) as unknown;
}

async function textOf({ body }: ServerAnswer, bytesMax: number): Promise<string> {
	const utf8 = new TextDecoder();
	let text = '';
	let bytes = 0;
	for await (const piece of body) {
		bytes += piece.byteLength;
		if (bytes > bytesMax) break;
		text += utf8.decode(piece, { stream: true });
	}
	return text;
}
