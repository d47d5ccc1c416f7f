import { chatSettings, chatTemplate } from './chat.ts'
import { crudTemplate } from './crud.ts'
import { dashboardTemplate } from './dashboard.ts'
import { starterSettings, starterTemplate } from './starter.ts'

interface Template {
  /** By path. They are text in code because a compiled package has no other files. */
  readonly files: Readonly<Record<string, string>>
  readonly settings: string
  /** What to change first. */
  readonly first: string
}

const templates = {
  starter: { files: starterTemplate, settings: starterSettings, first: 'endpoints/hello.yaml' },
  chat: { files: chatTemplate, settings: chatSettings, first: 'endpoints/chat.yaml' },
  crud: { files: crudTemplate, settings: '', first: 'tables/tasks.yaml' },
  dashboard: { files: dashboardTemplate, settings: '', first: 'dashboards/main.yaml' },
} as const satisfies Readonly<Record<string, Template>>

export type TemplateName = keyof typeof templates

export const templateNames = Object.keys(templates) as readonly TemplateName[]

export interface NewWorkspace {
  readonly template: TemplateName
  readonly name: string
  /** For signing tokens; 32 characters or more. */
  readonly secret: string
}

/** The files of a new workspace by path, and the one to change first. */
export function workspaceTemplate({ template, name, secret }: NewWorkspace): Pick<Template, 'files' | 'first'> {
  const { files, settings, first } = templates[template]
  return {
    first,
    files: {
      'streamstack.yaml': settingsYaml(name) + settings,
      '.env': `# Secrets of this workspace. Never commit this file.\nJWT_SECRET=${secret}\n`,
      '.gitignore': '.env\n.streamstack/\n*.rejected.ndjson\n',
      ...files,
    },
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
`
}
