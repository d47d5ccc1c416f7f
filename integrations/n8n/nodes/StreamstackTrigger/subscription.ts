import type { ExecutionError, IDataObject, INodeExecutionData, IRun, ITriggerFunctions } from 'n8n-workflow';
import { type Chunk, type Position, follow } from '../../transport/follow';
import { type Open, ServerError, jsonOf } from '../../transport/open';

export type Start = 'now' | 'begin';

/** What n8n keeps of the trigger from one start to the next. */
export type State = IDataObject & {
	/** The stream that the offset belongs to. */
	path?: string;
	/** Every message up to it has been worked on. Missing before the first message of a stream that cannot name its newest. */
	offset?: number;
	/** First and last offset of each execution that was started and may not have ended. */
	started?: Array<[number, number]>;
};

export interface SubscriptionOptions {
	trigger: ITriggerFunctions;
	open: Open;
	path: string;
	start: Start;
	state: State;
	/** Tells the messages of this trigger from those of all others of the n8n. */
	name: string;
	/** Executions that run at once, at most. */
	concurrency: number;
	/** Messages that one execution gets, at most. */
	batchSize: number;
}

/** Messages that wait for an execution; then the server waits. */
const WAITING_MAX = 1_000;

/**
 * Follows a stream and starts an execution for its messages. An offset is kept only after the executions of all messages up to it have ended, and each execution
 * is named after its messages: what n8n had started before a crash is not started twice, what it had not started is.
 */
export class Subscription {
	private readonly stop = new AbortController();

	private readonly waiting: Chunk[] = [];

	/** Executions that an earlier process had started: their messages are grouped as they were, so that n8n knows them again. */
	private planned: Array<[number, number]> = [];

	/** Executions that go on, in order of their start. */
	private readonly open: Execution[] = [];

	/** Offset of the last message received. */
	private after: number | 'now' = 'now';

	private wakeReader: (() => void) | null = null;

	private loop: Promise<void> = Promise.resolve();

	constructor(private readonly options: SubscriptionOptions) {}

	/** Throws when the server refuses the subscription, so that n8n can say so at activation. */
	async begin(): Promise<void> {
		const { state, path, start, open } = this.options;
		if (state.path !== path) {
			state.path = path;
			state.offset = start === 'now' ? await newestOffset(open, path, this.stop.signal) : 0;
			state.started = [];
		}
		this.planned = [...(state.started ?? [])];
		this.after = state.offset ?? 'now';
		this.loop = this.run();
	}

	/** For a test in the editor: the next message, without touching what is kept. */
	async takeOne(): Promise<void> {
		const { open, path, start, trigger } = this.options;
		const position: Position = { path, after: start };
		const { signal } = this.stop;
		const chunks = follow({ open, call: null, position, signal, attempts: 3 });
		const next = await chunks.next();
		if (next.done !== true) trigger.emit([[itemOf(next.value)]]);
		await chunks.return({ type: 'end', outcome: 'cancelled', error: null });
	}

	async close(): Promise<void> {
		this.stop.abort(new Error('The workflow was deactivated.'));
		this.wakeReader?.();
		await this.loop;
	}

	private async run(): Promise<void> {
		const { signal } = this.stop;
		while (!signal.aborted) {
			try {
				await this.read();
			} catch (error) {
				if (signal.aborted) return;
				if (!this.recover(error)) return;
			}
		}
	}

	private async read(): Promise<void> {
		const { open, path } = this.options;
		const position: Position = { path, after: this.after };
		const attempts = Number.POSITIVE_INFINITY;
		for await (const chunk of follow({ open, call: null, position, signal: this.stop.signal, attempts })) {
			this.after = chunk.offset;
			this.waiting.push(chunk);
			this.startExecutions(this.options.concurrency);
			if (this.waiting.length >= WAITING_MAX) await new Promise<void>((resolve) => (this.wakeReader = resolve));
			if (this.stop.signal.aborted) return;
		}
	}

	/**
	 * Messages that the server no longer keeps are lost: n8n shows it as a failed execution, and the trigger goes on with those that are kept. After any other
	 * refusal, returns false: n8n deactivates the workflow and activates it again later, by its own schedule.
	 */
	private recover(error: unknown): boolean {
		const { trigger, state } = this.options;
		if (!(error instanceof ServerError) || error.code !== 'offset_expired') {
			trigger.emitError(error as Error);
			return false;
		}
		this.planned = [];
		// Messages with old offsets are worked on at once, and no longer say where to go on.
		this.startExecutions(Infinity);
		this.open.length = 0;
		this.after = 0;
		state.offset = 0;
		trigger.saveFailedExecution(error as unknown as ExecutionError);
		return true;
	}

	private startExecutions(atOnce: number): void {
		const { trigger, state } = this.options;
		while (this.waiting.length > 0 && this.open.length < atOnce && !this.stop.signal.aborted) {
			const chunks = this.nextMessages();
			if (chunks.length === 0) return;
			const [first, last] = [chunks[0] as Chunk, chunks.at(-1) as Chunk];
			const execution: Execution = { first: first.offset, last: last.offset, isOver: false };
			this.open.push(execution);
			state.started = this.open.map((one) => [one.first, one.last]);
			const done = trigger.helpers.createDeferredPromise<IRun>();
			const over = () => this.over(execution);
			done.promise.then(over, over);
			trigger.emit([chunks.map(itemOf)], undefined, done, this.nameOf(first));
		}
	}

	/** The messages of the next execution; none while those of a planned one are still arriving. */
	private nextMessages(): Chunk[] {
		const { waiting, planned } = this;
		const offset = waiting[0]?.offset ?? 0;
		while ((planned[0]?.[1] ?? Infinity) < offset) planned.shift();
		const [, last = null] = planned[0]?.[0] === offset ? planned[0] : [];
		if (last === null) return waiting.splice(0, this.options.batchSize);
		const beyond = waiting.findIndex((chunk) => chunk.offset > last);
		if (beyond === -1 && waiting.at(-1)?.offset !== last) return [];
		return waiting.splice(0, beyond === -1 ? waiting.length : beyond);
	}

	/** Of an execution. The time is part of it because a channel that is kept in memory counts from 1 again when its server restarts. */
	private nameOf({ offset, metadata }: Chunk): string {
		return `${this.options.name}:${this.options.path}:${offset}:${String(metadata?.sent_at ?? '')}`;
	}

	private over(execution: Execution): void {
		execution.isOver = true;
		while (this.open[0]?.isOver === true) this.options.state.offset = this.open.shift()?.last;
		this.startExecutions(this.options.concurrency);
		if (this.waiting.length < WAITING_MAX) {
			this.wakeReader?.();
			this.wakeReader = null;
		}
	}
}

interface Execution {
	readonly first: number;
	readonly last: number;
	isOver: boolean;
}

function itemOf({ content, offset, kind, metadata }: Chunk): INodeExecutionData {
	return { json: { content: content as IDataObject, offset, kind, metadata: (metadata ?? {}) as IDataObject } };
}

/** The offset of the last message that is there now; undefined when the stream does not tell it. */
async function newestOffset(open: Open, path: string, signal: AbortSignal): Promise<number | undefined> {
	const request = { method: 'GET' as const, path: `${path}?format=json&offset=now` };
	const { offset } = (await jsonOf(open, request, signal)) as { offset?: number };
	return offset;
}
