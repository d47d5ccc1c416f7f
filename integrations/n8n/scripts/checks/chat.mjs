/** The mission's first workflow: a webhook calls a streaming endpoint, each chunk is forwarded to a channel. */
export default async function chat({ packageFolder, check, importWorkflows, startN8n, stop, post, channel, chunksOf, same }) {
	importWorkflows(`${packageFolder}/workflows/stream-to-channel.json`);
	const server = await startN8n();
	const answer = await post('chat', { user_input: 'tell me about rivers', room: 'chat' });
	check('the webhook answers 200', answer.status === 200, answer.text);
	const forwarded = await channel('rooms/chat');
	const expected = await chunksOf('/api/stream-chat', { message: 'tell me about rivers', options: { chunk_size: 10, include_metadata: true } });
	check('every chunk is forwarded, in order', same(forwarded.map(({ content }) => content.content), expected), JSON.stringify(forwarded));
	const offsets = forwarded.map(({ content }) => content.offset);
	check('offsets rise without a gap', offsets.length > 1 && offsets.every((offset, index) => offset === index + 1), offsets.join());
	await stop(server);
}
