/** The workflow of content generation: an endpoint writes an article, each piece is previewed in a channel, the whole goes to a CMS. */
export default async function content({ packageFolder, streamstackUrl, check, importWorkflows, startN8n, stop, post, channel }) {
	importWorkflows(`${packageFolder}/workflows/content-generation.json`);
	const server = await startN8n();
	const cms = `${streamstackUrl}/mock/cms/articles?format=json`;
	const answer = await post('content', { topic: ' Rivers <b>and</b> their banks ', room: 'content', cms });
	check('the webhook answers 200 with what the CMS said', answer.status === 200 && answer.text.includes('cms.example/articles/'), answer.text);
	const pieces = (await channel('rooms/content')).map((chunk) => chunk.content);
	check('every piece is previewed, and the last tells the end', pieces.length > 10 && pieces.at(-1).content === '[COMPLETE]', JSON.stringify(pieces.slice(-3)));
	check('in order, without a gap', pieces.every(({ offset }, index) => offset === index + 1), JSON.stringify(pieces.map(({ offset }) => offset)));
	const refused = await post('content', { topic: 'x', room: 'refused', cms });
	check('a topic that is too short is refused, and nothing is written', refused.status >= 400 && (await channel('rooms/refused')).length === 0, refused.text);
	await stop(server);
}
