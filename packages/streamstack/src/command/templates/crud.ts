/** `init --template crud`: a table with an endpoint for each way to read and write it, and a channel that tells of changes. */
export const crudTemplate: Readonly<Record<string, string>> = {
  'tables/tasks.yaml': `# Records live in the data folder (.streamstack). An empty table gets the records of its seed when the server starts.
description: What there is to do
columns:
  id: { type: integer, primary: true }
  title: { type: text, required: true }
  done: { type: boolean, default: false }
  created_at: { type: timestamp, default: now }
seed:
  - { title: Read the docs, done: true }
  - { title: Change this file }
  - { title: Deploy }
`,
  'endpoints/tasks/list.yaml': `# ?done=false keeps those; ?cursor=… goes on after a page. The metadata says how many there are and where the next page begins.
endpoint_settings:
  method: GET
  path: /api/tasks
  description: Tasks, a page at a time

input_parameters:
  done: { type: boolean }
  limit: { type: integer, default: 50, min: 1, max: 500 }
  cursor: { type: text }

function_stack:
  - function: Get Records
    table: tasks
    where: 'done ==? {{done}}'
    order: id ASC
    limit: '{{limit}}'
    cursor: '{{cursor}}'
    as: tasks
  - function: Streaming API Response
    content: '{{tasks}}'
    metadata: { next_cursor: '{{tasks_cursor}}' }
`,
  'endpoints/tasks/get.yaml': `endpoint_settings:
  method: GET
  path: /api/tasks/:id
  description: One task; 404 when there is none

input_parameters:
  id: { type: integer }

function_stack:
  - { function: Get Record, table: tasks, value: '{{id}}', required: true, as: task }
  - { function: Response, content: '{{task}}' }
`,
  'endpoints/tasks/create.yaml': `# Only callers with a token may write: \`streamstack dev\` prints one.
endpoint_settings:
  method: POST
  path: /api/tasks
  description: Add a task
  authentication: true

input_parameters:
  title: { type: text, required: true, trim: true, non_empty: true, max_length: 200 }

function_stack:
  - { function: Add Record, table: tasks, record: { title: '{{title}}' }, as: task }
  - { function: Publish to Channel, channel: tasks, content: { change: added, task: '{{task}}' } }
  - { function: Response, status: 201, content: '{{task}}' }
`,
  'endpoints/tasks/edit.yaml': `endpoint_settings:
  method: PATCH
  path: /api/tasks/:id
  description: Change a task; what is left out stays
  authentication: true

input_parameters:
  id: { type: integer }
  title: { type: text, trim: true, non_empty: true, max_length: 200 }
  done: { type: boolean }

function_stack:
  - { function: Get Record, table: tasks, value: '{{id}}', required: true, as: before }
  - function: Edit Record
    table: tasks
    value: '{{id}}'
    record: { title: '{{title ?? before.title}}', done: '{{done ?? before.done}}' }
    as: task
  - { function: Publish to Channel, channel: tasks, content: { change: edited, task: '{{task}}' } }
  - { function: Response, content: '{{task}}' }
`,
  'endpoints/tasks/delete.yaml': `endpoint_settings:
  method: DELETE
  path: /api/tasks/:id
  description: Delete a task
  authentication: true

input_parameters:
  id: { type: integer }

function_stack:
  - { function: Get Record, table: tasks, value: '{{id}}', required: true, as: task }
  - { function: Delete Record, table: tasks, value: '{{id}}' }
  - { function: Publish to Channel, channel: tasks, content: { change: deleted, task: '{{task}}' } }
  - { function: Response, content: '{{task}}' }
`,
  'channels/tasks.yaml': `# Every change of a task, as it happens. Steps publish; every caller may read: curl -N …/v1/channels/tasks
description: Changes of tasks
publish: false
subscribe: true
history: { count: 100, age: 1h }
`,
}
