const credentials = { streamstackApi: { id: 'streamstackApi1', name: 'Streamstack' } };

/** A workflow of nodes in one line, as n8n imports it. */
export function workflow(id, nodes) {
	const named = nodes.map((node, index) => ({ id: `node${index}`, position: [220 * index, 0], ...node }));
	const connections = {};
	for (const [index, { name }] of named.slice(0, -1).entries()) {
		connections[name] = { main: [[{ node: named[index + 1].name, type: 'main', index: 0 }]] };
	}
	return [{ id, name: id, nodes: named, connections, settings: { executionOrder: 'v1' }, active: false }];
}

export function call(endpoint, inputs, parameters = {}, more = {}) {
	return {
		name: 'Streamstack',
		type: 'n8n-nodes-streamstack.streamstack',
		typeVersion: 1,
		parameters: {
			resource: 'endpoint',
			operation: 'call',
			endpoint: { __rl: true, mode: 'name', value: endpoint },
			inputs: JSON.stringify(inputs),
			output: 'chunks',
			options: {},
			...parameters,
		},
		credentials,
		...more,
	};
}

export function webhook(path, parameters = { responseMode: 'lastNode', responseData: 'allEntries' }) {
	return {
		name: 'Webhook',
		type: 'n8n-nodes-base.webhook',
		typeVersion: 2.1,
		webhookId: `00000000-0000-4000-8000-${path.padEnd(12, '0').slice(0, 12)}`,
		parameters: { httpMethod: 'POST', path, options: {}, ...parameters },
	};
}

export function trigger(channel, options) {
	return {
		name: 'Streamstack Trigger',
		type: 'n8n-nodes-streamstack.streamstackTrigger',
		typeVersion: 1,
		parameters: { source: 'channel', channel, start: 'now', options },
		credentials,
	};
}

export function publish(channel, content) {
	return {
		name: 'Publish',
		type: 'n8n-nodes-streamstack.streamstack',
		typeVersion: 1,
		parameters: { resource: 'channel', operation: 'publish', channel, content },
		credentials,
	};
}
