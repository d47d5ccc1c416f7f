/** The mission's first workflow with n8n's own nodes alone. */
export default async function plain({ packageFolder, check, importWorkflows, startN8n, stop, post, channel, chunksOf, same, streamstackUrl }) {
	importWorkflows(`${packageFolder}/workflows/without-our-node.json`);
	const server = await startN8n();
	const answer = await post('plain-chat', { user_input: 'tell me about rivers', server: streamstackUrl });
	check('the webhook answers 200', answer.status === 200, answer.text);
	const expected = await chunksOf('/api/stream-chat', { message: 'tell me about rivers', options: { chunk_size: 10, include_metadata: true } });
	const forwarded = await channel('rooms/plain');
	check('every chunk is forwarded, in order', same(forwarded.map(({ content }) => content), expected), JSON.stringify(forwarded));
	await stop(server);
}
