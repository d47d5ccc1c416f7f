import type { INodeProperties } from 'n8n-workflow';

/** The name of a channel, as both nodes ask for it. */
export const channelProperty: INodeProperties = {
	displayName: 'Channel',
	name: 'channel',
	type: 'string',
	default: '',
	required: true,
	placeholder: 'rooms/lobby',
};

/** Path of a channel on the server; its name may hold slashes. */
export function channelPath(channel: string): string {
	return `/v1/channels/${channel.split('/').map(encodeURIComponent).join('/')}`;
}
