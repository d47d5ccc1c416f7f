/** Templates of the endpoints of a new workspace. */

export const helloYaml = `# The smallest stream: one chunk for each item of a list.
endpoint_settings:
  method: GET
  path: /api/hello
  description: A greeting that streams line by line
  headers:
    Content-Type: text/plain; charset=utf-8

input_parameters:
  name:
    type: text
    default: world
    maxLength: 60

function_stack:
  - function: For Each
    input:
      - '{{greeting}}, {{name}}!'
      - This line came a little later.
      - And this one closes the stream.
    inner_functions:
      - function: Streaming API Response
        content: '{{item}}'
      - function: Sleep
        duration: 300
`

export const streamChatYaml = `# A chat-like answer, streamed by words. The caller shapes it with \`options\`.
# In the place of the first step, a real one would call a model with External API Request (Streaming).
endpoint_settings:
  method: POST
  path: /api/stream-chat
  description: An answer that streams by words, as the caller's options say
  headers:
    Content-Type: text/plain; charset=utf-8

input_parameters:
  message:
    type: text
    required: true
    maxLength: 2000
    description: What the user said
  options:
    type: object
    properties:
      chunk_size: Words per streaming chunk
      delay: Milliseconds between chunks
      include_metadata: Whether each chunk comes with its metadata

function_stack:
  - function: Create Variable
    name: reply
    value: >-
      You said: {{message}} That is {{message.trim().split(' ').length}} words, and they came back to you
      one small chunk at a time.
  - function: Streaming API Response
    content: '{{reply}}'
    chunk_by: words
    chunk_size: 1
    delay: 60
    metadata: { type: answer, words: "{{reply.split(' ').length}}" }
  - function: Streaming API Response
    content: '[DONE]'
    purpose: Signal stream completion
`

export const notesYaml = `# Records of a table, a page at a time.
endpoint_settings:
  method: GET
  path: /api/notes
  description: All notes, two to a chunk

function_stack:
  - function: Create Variables
    variables: { offset: 0, has_more: true }
  - function: While Loop
    condition: '{{has_more}} === true'
    inner_logic:
      - function: Get Records
        table: notes
        order: id ASC
        limit: 2
        offset: '{{offset}}'
      - function: Conditional
        condition: '{{records.length}} > 0'
        true_branch:
          - function: Streaming API Response
            content: '{{records}}'
      - function: Update Variables
        updates:
          offset: '{{offset + 2}}'
          has_more: '{{records.length === 2}}'
`

export const writeNoteYaml = `# Stores a record. Only callers with a token may do that; \`auth\` holds its claims.
endpoint_settings:
  method: POST
  path: /api/notes
  description: Write a note
  authentication: true

input_parameters:
  text:
    type: text
    required: true
    maxLength: 500

function_stack:
  - function: Add Record
    table: notes
    record:
      text: '{{text}}'
      author: '{{auth.sub}}'
    as: note
  - function: Streaming API Response
    content: '{{note}}'
`
