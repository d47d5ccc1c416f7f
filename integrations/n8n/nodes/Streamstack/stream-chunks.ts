import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import { type Position, follow } from '../../transport/follow';
import { type Open, ServerError, type ServerRequest } from '../../transport/open';
import { callRequest } from './call-request';
import { ChunkItems, DONE, type Output } from './chunk-items';
import { Forward } from './forward';
import { Tries } from './tries';

interface Options {
	attempts?: number;
	forwardTo?: string;
	idempotencyKey?: string;
	metadataAsFields?: boolean;
	passOn?: boolean;
}

/** Calls an endpoint, or reads a run, to its end. Throws ServerError when its outcome is not `completed`. */
export async function streamChunks(
	node: IExecuteFunctions,
	open: Open,
	signal: AbortSignal,
	item: number,
): Promise<INodeExecutionData[]> {
	const options = node.getNodeParameter('options', item, {}) as Options;
	const output = node.getNodeParameter('output', item) as Output;
	const batchSize = node.getNodeParameter('batchSize', item, 100) as number;
	const items = new ChunkItems(output, batchSize, options.metadataAsFields ?? false, item);
	const tries = new Tries(node, item);
	const { call, position } = subjectOf(node, item, options, tries);
	const passesOn = (options.passOn ?? true) && node.isStreaming();
	let run: string | null = null;
	const chunks = follow({
		open,
		call,
		position,
		signal,
		attempts: options.attempts ?? 10,
		onRun: (id) => {
			run = id;
		},
	});
	const channel = options.forwardTo ?? '';
	const forward = channel === '' ? null : new Forward(open, channel, signal, tries.key());
	if (passesOn) node.sendChunk('begin', item);
	try {
		let next = await chunks.next();
		for (; next.done !== true; next = await chunks.next()) {
			const { kind, content } = next.value;
			items.add(next.value);
			const isShown = kind === 'text' ? content !== DONE : kind === 'json';
			if (passesOn && isShown) node.sendChunk('item', item, content as IDataObject | string);
			await forward?.add(next.value);
		}
		await forward?.finish();
		const { outcome, error } = next.value;
		if (outcome !== 'completed') {
			tries.failed();
			const told = error ?? { code: outcome, message: `The run ended as ${outcome}.` };
			throw ServerError.from(told, 200);
		}
	} finally {
		// A workflow that is stopped has no use for the rest: the run ends now, not when its grace is over.
		if (signal.aborted && run !== null && call !== null) await cancel(open, run);
	}
	if (passesOn) node.sendChunk('end', item);
	return items.finish(run, 'completed');
}

function subjectOf(
	node: IExecuteFunctions,
	item: number,
	options: Options,
	tries: Tries,
): { call: ServerRequest | null; position: Position } {
	if (node.getNodeParameter('operation', item) === 'read') {
		const id = encodeURIComponent(node.getNodeParameter('runId', item) as string);
		return { call: null, position: { path: `/v1/stream/runs/${id}`, after: 'begin' } };
	}
	const endpoint = node.getNodeParameter('endpoint', item, '', { extractValue: true }) as string;
	const key = (options.idempotencyKey ?? '') === '' ? tries.key() : (options.idempotencyKey as string);
	const call = callRequest(endpoint, inputsOf(node, item), key);
	return { call, position: { path: null, after: 'begin' } };
}

function inputsOf(node: IExecuteFunctions, itemIndex: number): IDataObject {
	let inputs = node.getNodeParameter('inputs', itemIndex) as unknown;
	if (typeof inputs === 'string') {
		try {
			inputs = JSON.parse(inputs.trim() === '' ? '{}' : inputs);
		} catch (error) {
			throw new NodeOperationError(node.getNode(), `Inputs is not JSON: ${(error as Error).message}`, { itemIndex });
		}
	}
	if (typeof inputs === 'object' && inputs !== null && !Array.isArray(inputs)) return inputs as IDataObject;
	const cure = 'Inputs must be a JSON object, such as {"message": "Hi"}';
	throw new NodeOperationError(node.getNode(), cure, { itemIndex });
}

async function cancel(open: Open, run: string): Promise<void> {
	const request: ServerRequest = { method: 'POST', path: `/v1/runs/${encodeURIComponent(run)}/cancel` };
	try {
		const { body } = await open(request, AbortSignal.timeout(5_000));
		await body[Symbol.asyncIterator]().return?.();
	} catch {
		// The server ends the run by itself when its grace is over.
	}
}
