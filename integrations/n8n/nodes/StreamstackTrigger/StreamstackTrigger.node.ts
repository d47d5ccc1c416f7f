import type { INodeType, INodeTypeDescription, ITriggerFunctions, ITriggerResponse } from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';
import { opener } from '../../transport/open';
import { channelPath, channelProperty } from '../channel';
import { Subscription, type Start, type State } from './subscription';

const CREDENTIALS = 'streamstackApi';

const SYSTEM_STREAMS = '/v1/stream/system/';

/** Starts a workflow for each message of a channel or of one of the server's own streams. */
export class StreamstackTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Streamstack Trigger',
		name: 'streamstackTrigger',
		icon: { light: 'file:streamstack.svg', dark: 'file:streamstack.dark.svg' },
		group: ['trigger'],
		version: [1],
		subtitle: '={{ $parameter["source"] === "channel" ? $parameter["channel"] : $parameter["source"] }}',
		description: 'Starts the workflow when a message arrives on a channel',
		defaults: { name: 'Streamstack Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: CREDENTIALS, required: true }],
		properties: [
			{
				displayName: 'Listen To',
				name: 'source',
				type: 'options',
				noDataExpression: true,
				options: [
					{ name: 'Activity of the Server', value: 'activity', description: 'Each call with its outcome' },
					{ name: 'Channel', value: 'channel' },
					{ name: 'Metrics of the Server', value: 'metrics', description: 'A sample every few seconds' },
				],
				default: 'channel',
			},
			{ ...channelProperty, displayOptions: { show: { source: ['channel'] } } },
			{
				displayName: 'Begin With',
				name: 'start',
				type: 'options',
				noDataExpression: true,
				options: [
					{ name: 'New Messages', value: 'now' },
					{ name: 'The History That Is Kept', value: 'begin' },
				],
				default: 'now',
				description:
					'Where to begin when the workflow is activated for the first time. Later it goes on after the last message that it has taken.',
			},
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add option',
				default: {},
				options: [
					{
						displayName: 'Executions at Once',
						name: 'concurrency',
						type: 'number',
						typeOptions: { minValue: 1, maxValue: 100 },
						default: 1,
						description: 'With 1, messages are worked on one after the other in their order',
					},
					{
						displayName: 'Messages per Execution',
						name: 'batchSize',
						type: 'number',
						typeOptions: { minValue: 1, maxValue: 1000 },
						default: 1,
						description: 'The most messages that one execution gets, out of those that have arrived already',
					},
				],
			},
		],
	};

	async trigger(this: ITriggerFunctions): Promise<ITriggerResponse> {
		// Credentials and parameters can be read only here: n8n ends expressions when this function has returned.
		const { url, token } = await this.getCredentials<{ url: string; token?: string }>(CREDENTIALS);
		const source = this.getNodeParameter('source') as 'channel' | 'activity' | 'metrics';
		const channel = this.getNodeParameter('channel', '') as string;
		const options = this.getNodeParameter('options', {}) as { concurrency?: number; batchSize?: number };
		const headers: Record<string, string> =
			token === undefined || token === '' ? {} : { Authorization: `Bearer ${token}` };
		const { helpers } = this;
		const subscription = new Subscription({
			trigger: this,
			open: opener(async (request) => await helpers.httpRequest(request), url, headers),
			path: source === 'channel' ? channelPath(channel) : SYSTEM_STREAMS + source,
			start: this.getNodeParameter('start') as Start,
			state: this.getWorkflowStaticData('node') as State,
			name: `${this.getWorkflow().id}:${this.getNode().id}`,
			concurrency: options.concurrency ?? 1,
			batchSize: options.batchSize ?? 1,
		});
		const closeFunction = async () => await subscription.close();
		if (this.getMode() === 'manual') {
			return { closeFunction, manualTriggerFunction: async () => await subscription.takeOne() };
		}
		await subscription.begin();
		return { closeFunction };
	}
}
