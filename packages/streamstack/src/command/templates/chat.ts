/** `init --template chat`: a model's answers, streamed and remembered, with a mock in the provider's place. */
export const chatTemplate: Readonly<Record<string, string>> = {
  'endpoints/chat.yaml': `# Answers a message; the conversation is kept under its id, for this caller alone.
endpoint_settings:
  method: POST
  path: /api/chat
  # Each call may cost money.
  rate_limit: { calls: 30, per: 1m }
  description: The answer of a model, as it arrives

input_parameters:
  message: { type: text, required: true, max_length: 4000 }
  conversation:
    type: text
    description: An id of your choice, 16 random characters or more, such as a UUID; without it nothing is remembered

function_stack:
  - function: Load Conversation
    id: '{{conversation}}'
    message: '{{message}}'
    as: messages
  - function: AI Reply
    provider: openai
    model: gpt-4.1-mini
    system: '{{persona}}'
    messages: '{{messages}}'
    max_tokens: 800
`,
  'endpoints/mock.yaml': `# Stands in for the provider: it answers as the API of OpenAI does. \`outbound.rewrite\` in streamstack.yaml leads here.
endpoint_settings:
  method: POST
  path: /mock/v1/chat/completions
  description: A made-up model
  headers: { Content-Type: text/event-stream }

input_parameters:
  messages: { type: list, required: true }

function_stack:
  - function: For Each
    input: '{{("You said: " + messages.at(-1).content).split(" ")}}'
    as: word
    inner_functions:
      - function: Streaming API Response
        content: { model: mock, choices: [{ delta: { content: '{{word}} ' } }] }
        delay: 60
  - function: Streaming API Response
    content:
      model: mock
      choices: [{ delta: {}, finish_reason: stop }]
      usage: { prompt_tokens: 12, completion_tokens: 6 }
  - { function: Streaming API Response, content: '[DONE]' }
`,
}

/** What the settings hold besides those of every template. */
export const chatSettings = `
# Until there is a key, a mock answers in the place of OpenAI. Put OPENAI_API_KEY=… into .env and remove both lines for the real one.
outbound:
  allow: [self]
  rewrite: { 'https://api.openai.com': /mock }

# Constants that every expression can use: {{persona}}.
variables:
  persona: You are the helper of a bakery. Be brief.
`
