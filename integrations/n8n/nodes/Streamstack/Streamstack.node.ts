import type {
	IDataObject,
	IExecuteFunctions,
	ILoadOptionsFunctions,
	INodeExecutionData,
	INodeListSearchResult,
	INodeType,
	INodeTypeDescription,
	JsonObject,
} from 'n8n-workflow';
import { NodeApiError, NodeConnectionTypes, NodeOperationError } from 'n8n-workflow';
import { ServerError, jsonOf, opener } from '../../transport/open';
import { publishRequest } from './forward';
import { streamChunks } from './stream-chunks';
import { Tries } from './tries';
import { properties } from './properties';

const CREDENTIALS = 'streamstackApi';

const RUNS_A_PAGE = 100;

/** Calls endpoints of a Streamstack server, publishes to its channels, and looks after its runs. */
export class Streamstack implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Streamstack',
		name: 'streamstack',
		icon: { light: 'file:streamstack.svg', dark: 'file:streamstack.dark.svg' },
		group: ['input'],
		version: [1],
		subtitle: '={{ $parameter["operation"] + ": " + $parameter["resource"] }}',
		description: 'Call streaming endpoints chunk by chunk and publish to channels',
		defaults: { name: 'Streamstack' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: true,
		credentials: [{ name: CREDENTIALS, required: true }],
		properties,
	};

	methods = {
		listSearch: {
			async searchEndpoints(this: ILoadOptionsFunctions, filter = ''): Promise<INodeListSearchResult> {
				const { url } = await this.getCredentials<{ url: string }>(CREDENTIALS);
				const open = opener(
					async (options) => await this.helpers.httpRequestWithAuthentication.call(this, CREDENTIALS, options),
					url,
				);
				const request = { method: 'GET' as const, path: '/', headers: { Accept: 'application/json' } };
				const listing = (await jsonOf(open, request, AbortSignal.timeout(30_000))) as {
					endpoints: Array<{ method: string; path: string; description?: string | null }>;
				};
				const results = listing.endpoints.map(({ method, path, description }) => ({
					name: `${method} ${path}`,
					value: `${method} ${path}`,
					description: description ?? '',
				}));
				const wanted = filter.toLowerCase();
				return { results: results.filter(({ name }) => name.toLowerCase().includes(wanted)) };
			},
		},
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const { url } = await this.getCredentials<{ url: string }>(CREDENTIALS);
		const open = opener(
			async (options) => await this.helpers.httpRequestWithAuthentication.call(this, CREDENTIALS, options),
			url,
		);
		const signal = this.getExecutionCancelSignal() ?? new AbortController().signal;
		const found: INodeExecutionData[] = [];
		for (let item = 0; item < this.getInputData().length; item++) {
			const resource = this.getNodeParameter('resource', item) as string;
			const operation = this.getNodeParameter('operation', item) as string;
			try {
				if (operation === 'call' || operation === 'read') {
					found.push(...(await streamChunks(this, open, signal, item)));
				} else if (resource === 'channel') {
					const content = jsonParameter(this.getNodeParameter('content', item));
					const key = new Tries(this, item).key();
					const channel = this.getNodeParameter('channel', item) as string;
					const json = await jsonOf(open, publishRequest(channel, { content }, key), signal);
					found.push({ json: json as IDataObject, pairedItem: { item } });
				} else if (operation === 'cancel') {
					const id = encodeURIComponent(this.getNodeParameter('runId', item) as string);
					const json = await jsonOf(open, { method: 'POST', path: `/v1/runs/${id}/cancel` }, signal);
					found.push({ json: json as IDataObject, pairedItem: { item } });
				} else {
					const isAll = this.getNodeParameter('returnAll', item) as boolean;
					let left = isAll ? Infinity : (this.getNodeParameter('limit', item) as number);
					let cursor: string | null = null;
					do {
						const query = new URLSearchParams({ limit: String(Math.min(left, RUNS_A_PAGE)) });
						if (cursor !== null) query.set('cursor', cursor);
						const page = (await jsonOf(open, { method: 'GET', path: `/v1/runs?${query}` }, signal)) as RunPage;
						found.push(...page.runs.map((json) => ({ json, pairedItem: { item } })));
						left -= page.runs.length;
						cursor = page.next_cursor;
					} while (cursor !== null && left > 0);
				}
			} catch (error) {
				if (this.continueOnFail() && !signal.aborted) {
					const { message } = error as Error;
					found.push({ json: { error: message, code: codeOf(error) }, pairedItem: { item } });
					continue;
				}
				throw nodeError(this, error, item);
			}
		}
		return [found];
	}
}

interface RunPage {
	runs: IDataObject[];
	next_cursor: string | null;
}

function codeOf(error: unknown): string {
	return error instanceof ServerError ? error.code : 'failed';
}

function nodeError(node: IExecuteFunctions, error: unknown, itemIndex: number): Error {
	if (error instanceof NodeOperationError) return error;
	if (!(error instanceof ServerError)) return new NodeOperationError(node.getNode(), error as Error, { itemIndex });
	const { code, message, status } = error;
	return new NodeApiError(node.getNode(), { code, message } as JsonObject, {
		message,
		description: `Error code ${code}`,
		itemIndex,
		...(status >= 400 ? { httpCode: String(status) } : {}),
	});
}

/** A parameter of type `json` is a text, or what an expression made of it. */
function jsonParameter(value: unknown): unknown {
	if (typeof value !== 'string') return value;
	try {
		return JSON.parse(value);
	} catch {
		return value;
	}
}
