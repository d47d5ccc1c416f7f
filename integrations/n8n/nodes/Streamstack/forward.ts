import type { Chunk } from '../../transport/follow';
import { type Open, type ServerRequest, jsonOf } from '../../transport/open';
import { channelPath } from '../channel';

/** Chunks that may be on their way to the channel; then the stream waits. */
const PENDING_MAX = 64;

/** Publishes the chunks of one call to a channel, in their order, while the call goes on. */
export class Forward {
	private last: Promise<unknown> = Promise.resolve();

	private pending = 0;

	private failure: Error | null = null;

	constructor(
		private readonly open: Open,
		private readonly channel: string,
		private readonly signal: AbortSignal,
		/** Of the call: a chunk that is sent again adds nothing. */
		private readonly key: string,
	) {}

	/** Returns at once unless many chunks wait. Throws ServerError when an earlier one was refused. */
	async add({ content, metadata, offset }: Chunk): Promise<void> {
		if (this.failure !== null) throw this.failure;
		this.pending++;
		const message = metadata === null ? { content } : { content, metadata };
		const request = publishRequest(this.channel, message, `${this.key}:${offset}`);
		this.last = this.last.then(async () => {
			try {
				if (this.failure === null) await jsonOf(this.open, request, this.signal);
			} catch (error) {
				this.failure = error as Error;
			}
			this.pending--;
		});
		if (this.pending >= PENDING_MAX) await this.last;
	}

	async finish(): Promise<void> {
		await this.last;
		if (this.failure !== null) throw this.failure;
	}
}

/** `message`: `{content}` or `{content, metadata}`. A message with a key that the channel knows adds nothing. */
export function publishRequest(channel: string, message: object, key: string): ServerRequest {
	return { method: 'POST', path: channelPath(channel), headers: { 'Idempotency-Key': key }, body: JSON.stringify(message) };
}
