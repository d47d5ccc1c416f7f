import type { INodeProperties } from 'n8n-workflow';
import { channelProperty } from '../channel';

const forCalls = { show: { resource: ['endpoint'], operation: ['call'] } };
const forPublish = { show: { resource: ['channel'], operation: ['publish'] } };
const forRuns = { show: { resource: ['run'] } };

/** What users set on the node. */
export const properties: INodeProperties[] = [
	{
		displayName: 'Resource',
		name: 'resource',
		type: 'options',
		noDataExpression: true,
		options: [
			{ name: 'Channel', value: 'channel' },
			{ name: 'Endpoint', value: 'endpoint' },
			{ name: 'Run', value: 'run' },
		],
		default: 'endpoint',
	},
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: ['endpoint'] } },
		options: [
			{
				name: 'Call',
				value: 'call',
				action: 'Call a streaming endpoint',
				description: 'Call an endpoint and take its chunks while they arrive',
			},
		],
		default: 'call',
	},
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: ['channel'] } },
		options: [
			{
				name: 'Publish',
				value: 'publish',
				action: 'Publish to a channel',
				description: 'Send a message to all readers of the channel',
			},
		],
		default: 'publish',
	},
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: forRuns,
		options: [
			{
				name: 'Cancel',
				value: 'cancel',
				action: 'Cancel a run',
				description: 'End a run; the chunks that it sent are kept',
			},
			{
				name: 'Get Many',
				value: 'getAll',
				action: 'Get many runs',
				description: 'List the runs that the token may see, the newest first',
			},
			{
				name: 'Read',
				value: 'read',
				action: 'Read the chunks of a run',
				description: 'Take the chunks of a run that is going on or still kept',
			},
		],
		default: 'getAll',
	},
	{
		displayName: 'Endpoint',
		name: 'endpoint',
		type: 'resourceLocator',
		default: { mode: 'list', value: '' },
		required: true,
		displayOptions: forCalls,
		description: 'Method and path of the endpoint',
		modes: [
			{
				displayName: 'From List',
				name: 'list',
				type: 'list',
				typeOptions: { searchListMethod: 'searchEndpoints', searchable: true },
			},
			{
				displayName: 'By Name',
				name: 'name',
				type: 'string',
				placeholder: 'POST /api/stream-chat',
				validation: [
					{
						type: 'regex',
						properties: {
							regex: '^(GET|POST|PUT|PATCH|DELETE) /\\S*$',
							errorMessage: 'Write method and path, such as POST /api/stream-chat',
						},
					},
				],
			},
		],
	},
	{
		displayName: 'Inputs',
		name: 'inputs',
		type: 'json',
		default: '{}',
		displayOptions: forCalls,
		description:
			'What the endpoint is called with, as a JSON object. Names that stand in the path go there; those of GET and DELETE go into the query, all others into the body.',
	},
	{ ...channelProperty, displayOptions: forPublish },
	{
		displayName: 'Content',
		name: 'content',
		type: 'json',
		default: '={{ $json }}',
		displayOptions: forPublish,
		description: 'The message: any JSON. A text that is not JSON is sent as text.',
	},
	{
		displayName: 'Run ID',
		name: 'runId',
		type: 'string',
		default: '',
		required: true,
		displayOptions: { show: { resource: ['run'], operation: ['cancel', 'read'] } },
		description: 'As the field `run` of the items of a call',
	},
	{
		displayName: 'Return All',
		name: 'returnAll',
		type: 'boolean',
		default: false,
		displayOptions: { show: { resource: ['run'], operation: ['getAll'] } },
		description: 'Whether to return all results or only up to a given limit',
	},
	{
		displayName: 'Limit',
		name: 'limit',
		type: 'number',
		typeOptions: { minValue: 1 },
		default: 50,
		displayOptions: { show: { resource: ['run'], operation: ['getAll'], returnAll: [false] } },
		description: 'Max number of results to return',
	},
	{
		displayName: 'Output',
		name: 'output',
		type: 'options',
		default: 'chunks',
		displayOptions: { show: { resource: ['endpoint', 'run'], operation: ['call', 'read'] } },
		options: [
			{ name: 'One Item per Chunk', value: 'chunks' },
			{ name: 'Batches of Chunks', value: 'batches', description: 'Items with a list of chunks each' },
			{
				name: 'One Merged Item',
				value: 'merged',
				description: 'The whole text, or the list of all contents where they are not text',
			},
		],
	},
	{
		displayName: 'Chunks per Batch',
		name: 'batchSize',
		type: 'number',
		typeOptions: { minValue: 1 },
		default: 100,
		displayOptions: {
			show: { resource: ['endpoint', 'run'], operation: ['call', 'read'], output: ['batches'] },
		},
	},
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		displayOptions: { show: { resource: ['endpoint', 'run'], operation: ['call', 'read'] } },
		options: [
			{
				displayName: 'Connections to Try',
				name: 'attempts',
				type: 'number',
				typeOptions: { minValue: 1 },
				default: 10,
				description:
					'How many connections may fail one after the other before the node fails. A connection that breaks is resumed after the last chunk.',
			},
			{
				displayName: 'Forward to Channel',
				name: 'forwardTo',
				type: 'string',
				default: '',
				placeholder: 'rooms/lobby',
				description:
					'A channel that gets each chunk the moment it arrives, for pages that show it before the workflow goes on',
			},
			{
				displayName: 'Idempotency Key',
				name: 'idempotencyKey',
				type: 'string',
				default: '',
				description:
					'Name of this call. A call with the same name joins the run that is there. By default each execution of the node has its own, so that a retry resumes.',
			},
			{
				displayName: 'Metadata as Fields',
				name: 'metadataAsFields',
				type: 'boolean',
				default: false,
				description:
					'Whether the metadata of a chunk stand beside its content instead of under `metadata`',
			},
			{
				displayName: 'Pass On Live',
				name: 'passOn',
				type: 'boolean',
				default: true,
				description:
					'Whether to send each chunk at once to the caller of a workflow that streams its response',
			},
		],
	},
];
