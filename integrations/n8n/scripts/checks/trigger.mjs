import { publish, trigger, workflow } from './workflow.mjs';

const MESSAGES = 30;

/** A trigger takes each message once, also over a restart of n8n; after kill -9 none is lost. */
export default async function run({ check, importWorkflows, startN8n, stop, channel, publish: send, until }) {
	importWorkflows(
		workflow('triggerEcho', [trigger('rooms/in', { concurrency: 4 }), publish('rooms/out', '={{ { n: $json.content.n, offset: $json.offset } }}')]),
	);
	const seen = async () => (await channel('rooms/out')).map(({ content }) => content.n);
	const publishFrom = async (first, count) => {
		for (let n = first; n < first + count; n++) await send('rooms/in', { n });
	};
	const all = (numbers, last) => new Set(numbers).size === last + 1;

	await send('rooms/in', { n: -1 });
	let server = await startN8n();
	await publishFrom(0, MESSAGES);
	check('messages start executions', await until(async () => all(await seen(), MESSAGES - 1)), await seen());
	check('older messages do not', !(await seen()).includes(-1));

	await stop(server);
	await publishFrom(MESSAGES, MESSAGES);
	server = await startN8n();
	check('what came while n8n was down is taken', await until(async () => all(await seen(), 2 * MESSAGES - 1)), await seen());
	check('a graceful restart doubles nothing', (await seen()).length === 2 * MESSAGES, await seen());

	const sending = publishFrom(2 * MESSAGES, MESSAGES);
	await until(async () => (await seen()).length > 2 * MESSAGES + 3);
	await stop(server, 'SIGKILL');
	await sending;
	server = await startN8n();
	await until(async () => all(await seen(), 3 * MESSAGES - 1), 30_000);
	const numbers = await seen();
	const missing = Array.from({ length: 3 * MESSAGES }, (_, n) => n).filter((n) => !numbers.includes(n));
	// An execution that kill -9 ended is listed as crashed and can be retried there; four ran at once.
	check('after kill -9 every message has started an execution', missing.length <= 4, `missing: ${missing.join()}`);
	check('after kill -9 nothing is doubled', new Set(numbers).size === numbers.length, numbers.join());
	console.log(`     executions that kill -9 ended: ${missing.length}`);
	await stop(server);
}
