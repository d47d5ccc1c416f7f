import { call, webhook, workflow } from './workflow.mjs';

/** What the Streamstack node promises: all chunks, in three shapes, live where the workflow streams; failures that name their cause; a stop that ends the run. */
export default async function calls({ check, importWorkflows, startN8n, stop, post, chunksOf, same, streamstackUrl, n8nUrl }) {
	const text = { message: 'a tale', options: { chunk_size: 2 } };
	importWorkflows(workflow('callsChunks', [webhook('chunks'), call('POST /api/stream-chat', text)]));
	importWorkflows(workflow('callsMerged', [webhook('merged'), call('POST /api/stream-chat', text, { output: 'merged' })]));
	importWorkflows(workflow('callsBatches', [webhook('batches'), call('POST /api/many', { count: 250, delay: 0 }, { output: 'batches', batchSize: 100 })]));
	importWorkflows(workflow('callsFails', [webhook('fails'), call('POST /api/fails', {}, {}, { onError: 'continueRegularOutput' })]));
	importWorkflows(workflow('callsWrong', [webhook('wrong'), call('POST /api/many', { count: 'x' }, {}, { onError: 'continueRegularOutput' })]));
	importWorkflows(workflow('callsLive', [webhook('live', { responseMode: 'streaming' }), call('POST /api/many', { count: 20, delay: 50 })]));
	importWorkflows(workflow('callsMany', [webhook('many'), call('POST /api/many', { count: 10000, delay: 1 }, { output: 'merged' })]));
	const server = await startN8n();

	const chunks = await post('chunks', {});
	const expected = await chunksOf('/api/stream-chat', text);
	check('one item per chunk', same(chunks.json?.map(({ content }) => content) ?? [], expected), chunks.text);
	check('metadata and offsets are fields', chunks.json?.every(({ offset, metadata }, index) => offset === index + 1 && typeof metadata === 'object'), chunks.text);
	const merged = await post('merged', {});
	const whole = expected.filter((content) => content !== '[DONE]').join('');
	check('one merged item', merged.json?.[0]?.content === whole && merged.json[0].outcome === 'completed', merged.text);
	const batches = await post('batches', {});
	check('batches', same(batches.json?.map(({ count }) => count) ?? [], [100, 100, 50]), batches.text.slice(0, 300));
	const fails = await post('fails', {});
	check('a failed run is an error with its code', fails.json?.[0]?.code === 'shop_closed', fails.text);
	check('the message of the run is kept', fails.text.includes('The shop is closed'), fails.text);
	const wrong = await post('wrong', {});
	check('a refused call names the fault', wrong.json?.[0]?.code === 'input_invalid' && wrong.text.includes('count'), wrong.text);

	const startMs = performance.now();
	const answer = await fetch(`${n8nUrl}/webhook/live`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' });
	const times = [];
	let live = '';
	const utf8 = new TextDecoder();
	for await (const piece of answer.body) {
		times.push(Math.round(performance.now() - startMs));
		live += utf8.decode(piece, { stream: true });
	}
	const frames = live.trim().split('\n').map((line) => JSON.parse(line));
	check('chunks are passed on live, each once', frames.filter(({ type }) => type === 'item').length === 20, live.slice(0, 500));
	check('the first is there long before the last', times[0] < times.at(-1) - 500, times.join());
	check('begin and end are passed on', frames[0].type === 'begin' && frames.at(-1).type === 'end', live.slice(-300));

	const curlMs = performance.now();
	await (await fetch(`${streamstackUrl}/api/many`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"count":10000,"delay":1}' })).text();
	const alone = performance.now() - curlMs;
	const manyMs = performance.now();
	const many = await post('many', {});
	const through = performance.now() - manyMs;
	check('10,000 chunks arrive', many.json?.[0]?.chunks === 10_000 && many.json[0].content.every(({ n }, index) => n === index), many.text.slice(0, 300));
	console.log(`     10,000 chunks: ${Math.round(alone)} ms by fetch, ${Math.round(through)} ms through n8n`);
	await stop(server);
}
