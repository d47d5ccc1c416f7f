import type { Value } from '@streamstack/protocol'
import type { EndpointDefinition, StepNode, TreeNode } from '../../definition/types.ts'
import type { Engine } from '../../engine/index.ts'
import { functions } from '../../functions/index.ts'
import { inputsJsonSchema } from '../../input/index.ts'
import { shortened } from '../../text/cut-text.ts'

/** A parameter's text is cut here: the page shows one line of it. */
const DETAIL_CHARACTERS_MAX = 120

/** Parameters that say what a step is about, the most telling first. */
const TELLING = [
  'name',
  'content',
  'input',
  'condition',
  'table',
  'url',
  'count',
  'channel',
  'model',
  'function',
  'duration',
  'text',
  'value',
]

/** The workspace as pages show it: names and positions in files, no values of the environment, no paths on disk. */
export function describeWorkspace(engine: Engine): object {
  const { workspace, settings, mode, records } = engine
  return {
    name: settings.name ?? 'Streamstack',
    mode,
    checks_tokens: engine.access.checksTokens,
    endpoints: [...workspace.plans.values()].map(({ endpoint, readsUpstream }) => ({
      ...describeEndpoint(endpoint),
      reads_upstream: readsUpstream,
    })),
    tables: records.tables().map(({ name, columns, position }) => ({
      name,
      file: position.file,
      columns: columns.map((column) => ({ name: column.name, type: column.type })),
    })),
    channels: workspace.channels.channels.map(({ pattern, description, file }) => ({
      name: pattern.text,
      description,
      file,
    })),
    functions: functions.map(({ name, summary }) => ({ name, summary })),
    models: Object.keys(settings.openai.models),
    problems: workspace.issues.map(({ severity, message, position }) => ({ severity, message, ...position })),
  }
}

function describeEndpoint(endpoint: EndpointDefinition): object {
  const { access, position } = endpoint
  return {
    name: endpoint.name,
    method: endpoint.method,
    path: endpoint.path,
    description: endpoint.description,
    file: endpoint.file,
    line: position.line,
    authentication: access.authentication,
    roles: access.roles,
    format: endpoint.format,
    delivery: endpoint.delivery,
    inputs: endpoint.inputs.map(
      ({ name, type, description, required, default: standard, values, min, max, maxLength, properties }) => ({
        name,
        type,
        description,
        required,
        default: standard ?? null,
        values,
        min,
        max,
        max_length: maxLength,
        properties:
          properties?.map((property) => ({
            name: property.name,
            type: property.type,
            description: property.description,
          })) ?? null,
      }),
    ),
    schema: inputsJsonSchema(endpoint.inputs),
    stack: endpoint.stack.map(describeStep),
  }
}

function describeStep(step: StepNode): object {
  const stacks = Object.entries(step.stacks).map(([name, steps]) => ({ name, steps: steps.map(describeStep) }))
  const cases = Object.entries(step.cases).flatMap(([name, list]) =>
    list.map(({ when, steps }, index) => ({
      name: when === null ? `${name} ${index + 1}` : `${name}: ${shown(when.value)}`,
      steps: steps.map(describeStep),
    })),
  )
  return {
    id: step.id,
    function: step.function,
    label: step.label,
    detail: detailOf(step),
    line: step.position.line,
    disabled: step.disabled,
    stacks: [...stacks, ...cases].filter(({ steps }) => steps.length > 0),
  }
}

function detailOf({ parameters }: StepNode): string | null {
  const found = TELLING.map((name) => (Object.hasOwn(parameters, name) ? parameters[name] : undefined)).find(
    (node) => node !== undefined,
  )
  return found === undefined ? null : shown((found satisfies TreeNode).value)
}

function shown(value: Value): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return shortened(text, DETAIL_CHARACTERS_MAX + 1)
}
