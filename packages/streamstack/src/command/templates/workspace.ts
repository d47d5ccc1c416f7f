import { helloYaml, notesYaml, streamChatYaml, writeNoteYaml } from './endpoints.ts'

export interface WorkspaceTemplate {
  name: string
  /** For signing tokens; 32 characters or more. */
  secret: string
}

/** The files of a new workspace, by path. They are text in code because a compiled package has no other files. */
export function workspaceTemplate({ name, secret }: WorkspaceTemplate): Readonly<Record<string, string>> {
  return {
    'streamstack.yaml': settingsYaml(name),
    '.env': `# Secrets of this workspace. Never commit this file.\nJWT_SECRET=${secret}\n`,
    '.gitignore': '.env\n.streamstack/\n*.rejected.ndjson\n',
    'endpoints/hello.yaml': helloYaml,
    'endpoints/stream-chat.yaml': streamChatYaml,
    'endpoints/notes.yaml': notesYaml,
    'endpoints/write-note.yaml': writeNoteYaml,
    'tables/notes.yaml': notesTableYaml,
    'channels/rooms.yaml': roomsChannelYaml,
  }
}

function settingsYaml(name: string): string {
  return `# Settings of this workspace. What is left out has a default; \`streamstack check\` finds every mistake.
name: ${JSON.stringify(name)}

server:
  port: 8080
  # Pages on these origins may read the streams from a browser.
  cors:
    origins: [http://localhost:3000, http://localhost:5173]

# Only names that stand here can be read, as {{env.NAME}}. Their values stand in .env or in the environment.
env: [JWT_SECRET]

# Endpoints with \`authentication: true\` want a token; \`streamstack token\` makes one for trying.
auth:
  jwt:
    secret: '{{env.JWT_SECRET}}'

# Constants that every expression can use: {{greeting}}.
variables:
  greeting: Hello
`
}

const notesTableYaml = `# Records live in the data folder (.streamstack). An empty table gets the records of its seed when the server starts.
columns:
  id: { type: integer, primary: true }
  text: { type: text, required: true }
  author: { type: text, default: somebody }
  written_at: { type: timestamp, default: now }
seed:
  - { text: A stream is a log that is still being written., author: Ada }
  - { text: Send the first chunk before you know the last., author: Grace }
  - { text: A reader that comes late still gets everything., author: Barbara }
`

const roomsChannelYaml = `# Rooms to talk in: whoever has the name of one may publish to it and read it.
channel: rooms/{room}
description: A room that anybody may write to
publish: true
subscribe: true
history: { count: 100, age: 1h }
`
