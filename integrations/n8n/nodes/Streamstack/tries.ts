import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

/** The Idempotency-Key of a call: the same when n8n retries the node after a broken connection, another after a run that failed. */
export class Tries {
	private readonly context: IDataObject;

	private readonly name: string;

	constructor(
		private readonly node: IExecuteFunctions,
		item: number,
	) {
		this.context = node.getContext('node');
		this.name = `failed:${item}`;
	}

	key(): string {
		const { id } = this.node.getNode();
		const { $runIndex } = this.node.getWorkflowDataProxy(0) as { $runIndex?: number };
		return `n8n:${this.node.getExecutionId()}:${id}:${$runIndex ?? 0}:${this.name}:${this.count()}`;
	}

	failed(): void {
		this.context[this.name] = this.count() + 1;
	}

	private count(): number {
		return Number(this.context[this.name] ?? 0);
	}
}
