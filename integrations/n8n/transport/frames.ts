/** One line of the server's NDJSON format; see docs/formats.md of Streamstack. */
export type Frame =
	| { type: 'chunk'; kind: string; offset: number; content: unknown; metadata: Record<string, unknown> | null }
	| { type: 'error'; offset: number | null; error: PublicError }
	| { type: 'end'; outcome: 'completed' | 'failed' | 'cancelled' | 'abandoned'; error: PublicError | null };

/** What the server says of an error, in a problem document and in a stream. */
export interface PublicError {
	code: string;
	message: string;
	recoverable?: boolean;
	/** Seconds after which another try makes sense. */
	retry_after?: number | null;
}

const OWN_TYPES = new Set(['error', 'end']);

/** A line longer than this is not read: 32 MiB is the largest chunk that the server sends, and JSON escapes can double it. */
const LINE_CHARACTERS_MAX = 64 * 1024 * 1024;

/** Splits bytes that were cut anywhere into frames. Empty lines, the heartbeats, come as null. Throws when a line is no frame. */
export class FrameDecoder {
	private readonly utf8 = new TextDecoder();

	/** A line that has not ended, as it came: joining once keeps long lines linear. */
	private pieces: string[] = [];

	private length = 0;

	push(bytes: Uint8Array): Array<Frame | null> {
		const frames: Array<Frame | null> = [];
		const parts = this.utf8.decode(bytes, { stream: true }).split('\n');
		const rest = parts.pop() ?? '';
		for (const part of parts) {
			this.pieces.push(part);
			frames.push(frameOf(this.pieces.join('')));
			this.pieces = [];
			this.length = 0;
		}
		this.length += rest.length;
		if (this.length > LINE_CHARACTERS_MAX) throw new Error('The server sent a line of more than 64 MiB.');
		if (rest !== '') this.pieces.push(rest);
		return frames;
	}
}

function frameOf(line: string): Frame | null {
	if (line.trim() === '') return null;
	const value = JSON.parse(line) as Record<string, unknown>;
	if (typeof value !== 'object' || value === null || typeof value.type !== 'string') {
		throw new Error('The answer is not a stream of Streamstack.');
	}
	if (OWN_TYPES.has(value.type)) return value as unknown as Frame;
	const kind = value.kind ?? (value.type === 'chunk' ? kindOf(value.content) : value.type);
	return {
		type: 'chunk',
		kind: String(kind),
		offset: Number(value.offset),
		content: value.content,
		metadata: (value.metadata ?? null) as Record<string, unknown> | null,
	};
}

function kindOf(content: unknown): string {
	return typeof content === 'string' ? 'text' : 'json';
}
