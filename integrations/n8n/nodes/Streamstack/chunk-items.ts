import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { Chunk } from '../../transport/follow';

export type Output = 'chunks' | 'batches' | 'merged';

/** What ends a chat stream by convention; it is no part of the text. */
export const DONE = '[DONE]';

/** Collects the chunks of one call into items of the chosen shape. */
export class ChunkItems {
	private readonly items: INodeExecutionData[] = [];

	private batch: IDataObject[] = [];

	private readonly texts: string[] = [];

	private readonly values: unknown[] = [];

	private reasoning = '';

	private count = 0;

	private lastMetadata: IDataObject = {};

	constructor(
		private readonly output: Output,
		private readonly batchSize: number,
		private readonly metadataAsFields: boolean,
		/** Index of the input item that the call came from. */
		private readonly item: number,
	) {}

	add(chunk: Chunk): void {
		this.count++;
		if (this.output === 'merged') return this.merge(chunk);
		const json = this.jsonOf(chunk);
		if (this.output === 'chunks') {
			this.items.push({ json, pairedItem: { item: this.item } });
			return;
		}
		this.batch.push(json);
		if (this.batch.length >= this.batchSize) this.closeBatch();
	}

	/** The items of what has arrived. `run`: id of the run. */
	finish(run: string | null, outcome: string): INodeExecutionData[] {
		if (this.output === 'batches' && this.batch.length > 0) this.closeBatch();
		if (this.output === 'merged') {
			const json: IDataObject = {
				content: this.values.length === 0 ? this.texts.join('') : (this.values as IDataObject[]),
				...(this.reasoning === '' ? {} : { reasoning: this.reasoning }),
				chunks: this.count,
				outcome,
				run,
				metadata: this.lastMetadata,
			};
			this.items.push({ json, pairedItem: { item: this.item } });
		}
		return this.items;
	}

	private merge({ kind, content, metadata }: Chunk): void {
		if (metadata !== null) Object.assign(this.lastMetadata, metadata);
		if (kind === 'reasoning') this.reasoning += String(content);
		else if (kind === 'json') {
			// Text that came before stays in its place.
			if (this.values.length === 0) this.values.push(...this.texts);
			this.values.push(content);
		} else if (kind === 'text' && content !== DONE) {
			if (this.values.length > 0) this.values.push(content);
			else this.texts.push(String(content));
		}
	}

	private closeBatch(): void {
		const json = { chunks: this.batch, count: this.batch.length };
		this.items.push({ json, pairedItem: { item: this.item } });
		this.batch = [];
	}

	private jsonOf({ kind, offset, content, metadata }: Chunk): IDataObject {
		const json = { content: content as IDataObject, kind, offset };
		if (this.metadataAsFields) return { ...(metadata as IDataObject | null), ...json };
		return { ...json, metadata: (metadata ?? {}) as IDataObject };
	}
}
