import type {
	IAuthenticateGeneric,
	ICredentialTestRequest,
	ICredentialType,
	Icon,
	INodeProperties,
} from 'n8n-workflow';

/** The address of a Streamstack server and the token that it knows the workflow by. */
export class StreamstackApi implements ICredentialType {
	name = 'streamstackApi';

	displayName = 'Streamstack API';

	icon: Icon = { light: 'file:../icons/streamstack.svg', dark: 'file:../icons/streamstack.dark.svg' };

	documentationUrl = 'https://github.com/streamstack/streamstack/blob/main/docs/integrations/n8n.md';

	properties: INodeProperties[] = [
		{
			displayName: 'Server URL',
			name: 'url',
			type: 'string',
			default: 'http://127.0.0.1:8080',
			required: true,
			placeholder: 'https://api.example.com',
			description:
				'Where the server answers, with the path that a proxy puts before its own, without a slash at the end',
		},
		{
			displayName: 'Token',
			name: 'token',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description: 'A JWT or an API key. Leave it empty for a server that asks for none.',
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: {
			headers: { Authorization: '={{$credentials.token ? "Bearer " + $credentials.token : undefined}}' },
		},
	};

	test: ICredentialTestRequest = {
		request: { baseURL: '={{$credentials.url}}', url: '/', headers: { Accept: 'application/json' } },
	};
}
