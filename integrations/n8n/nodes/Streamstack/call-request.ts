import type { IDataObject, IHttpRequestMethods } from 'n8n-workflow';
import type { ServerRequest } from '../../transport/open';

const BODYLESS = new Set(['GET', 'DELETE']);

/** The request for `POST /api/users/:id` with inputs. Throws an Error that names the cure. */
export function callRequest(endpoint: string, inputs: IDataObject, key: string): ServerRequest {
	const [, method = '', template = ''] = /^(GET|POST|PUT|PATCH|DELETE) (\/\S*)$/.exec(endpoint.trim()) ?? [];
	if (method === '') throw new Error(`"${endpoint}" is not an endpoint. Write method and path, such as POST /api/chat.`);
	const left = new Map(Object.entries(inputs));
	const path = template.replace(/:(\w+)|\{(\w+)\}/g, (_place, colon?: string, braces?: string) => {
		const name = colon ?? braces ?? '';
		const value = left.get(name);
		left.delete(name);
		return pathPart(name, value);
	});
	const headers = { 'Idempotency-Key': key };
	if (!BODYLESS.has(method)) {
		const body = JSON.stringify(Object.fromEntries(left));
		return { method: method as IHttpRequestMethods, path, headers, body };
	}
	const query = new URLSearchParams();
	for (const [name, value] of left) {
		if (value === undefined || value === null) continue;
		query.set(name, typeof value === 'string' ? value : JSON.stringify(value));
	}
	const mark = path.includes('?') ? '&' : '?';
	return { method: method as IHttpRequestMethods, path: query.size === 0 ? path : `${path}${mark}${query}`, headers };
}

function pathPart(name: string, value: unknown): string {
	const text = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : '';
	// Dots alone would lead to another path.
	if (/^\.{0,2}$/.test(text)) throw new Error(`The path needs the input "${name}": a number or a text, not only dots.`);
	return encodeURIComponent(text);
}
