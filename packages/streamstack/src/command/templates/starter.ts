import { helloYaml, notesYaml, streamChatYaml, writeNoteYaml } from './starter-endpoints.ts'

/** `init` without a template: a little of everything. */
export const starterTemplate: Readonly<Record<string, string>> = {
  'endpoints/hello.yaml': helloYaml,
  'endpoints/stream-chat.yaml': streamChatYaml,
  'endpoints/notes.yaml': notesYaml,
  'endpoints/write-note.yaml': writeNoteYaml,
  'tables/notes.yaml': `# Records live in the data folder (.streamstack). An empty table gets the records of its seed when the server starts.
columns:
  id: { type: integer, primary: true }
  text: { type: text, required: true }
  author: { type: text, default: somebody }
  written_at: { type: timestamp, default: now }
seed:
  - { text: A stream is a log that is still being written., author: Ada }
  - { text: Send the first chunk before you know the last., author: Grace }
  - { text: A reader that comes late still gets everything., author: Barbara }
`,
  'channels/rooms.yaml': `# Chat rooms: any caller that knows the name of a room may publish to it and read it.
# security-accepted: open-channels (rooms for every caller, to begin with)
channel: rooms/{room}
description: A room that every caller may write to
publish: true
subscribe: true
history: { count: 100, age: 1h }
`,
}

/** What the settings hold besides those of every template. */
export const starterSettings = `
# Constants that every expression can use: {{greeting}}.
variables:
  greeting: Hello
`
