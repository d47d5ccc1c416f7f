import { indexCatalog } from './catalog-index.ts'
import { conversationOf } from './conversation-inputs.ts'
import { createIssueList, type IssueList } from './issue-list.ts'
import { locateSections, type Sections } from './locate-sections.ts'
import { normalizeInputs, plainInput } from './normalize-inputs.ts'
import { normalizeOutput } from './normalize-output.ts'
import { normalizePath, pathParameters } from './normalize-path.ts'
import { normalizeSettings } from './normalize-settings.ts'
import { normalizeStack } from './normalize-steps.ts'
import { firstUse, settingSteps } from './setting-steps.ts'
import { isProse } from './is-step.ts'
import type {
  EndpointDefinition,
  FunctionShape,
  InputDeclaration,
  Issue,
  Position,
  StepNode,
  TreeNode,
} from './types.ts'

/**
 * Turns a file of `endpoints/` into one shape, with every spelling resolved through the catalog of functions. `file` is
 * relative to the workspace. The endpoint is null when an issue is an error; its route is known all the same where the
 * file tells it.
 */
export function normalizeEndpoint(
  tree: TreeNode,
  file: string,
  catalog: readonly FunctionShape[],
): { endpoint: EndpointDefinition | null; route: Pick<EndpointDefinition, 'method' | 'path'> | null; issues: Issue[] } {
  const list = createIssueList()
  const sections = withConversation(locateSections(tree, list), tree, catalog)
  const settings = normalizeSettings(sections.settings, list)
  const name = definitionName(file)
  const path = settings.path ?? normalizePath(`/${name}`, tree.position, list)
  const inputs = normalizeInputs(sections.inputs, list)
  const output = normalizeOutput(sections.output, list)
  const stack = withSettingSteps(readStack(sections, catalog, list), sections, inputs, catalog, list)
  if (path === null) return { endpoint: null, route: null, issues: list.issues }
  const route = { method: settings.method, path }
  if (list.hasErrors()) return { endpoint: null, route, issues: list.issues }
  const endpoint: EndpointDefinition = {
    file,
    name,
    method: settings.method,
    path,
    description: settings.description ?? sections.description,
    headers: settings.headers,
    format: settings.format,
    responseType: settings.responseType ?? (usesResponse(stack) ? 'standard' : 'streaming'),
    inputs: withPathParameters(inputs, path, tree.position),
    output,
    access: settings.access,
    allow: settings.allow,
    allowRead: settings.allowRead,
    limits: settings.limits,
    rateLimits: settings.rateLimits,
    concurrency: settings.concurrency,
    delivery: settings.delivery,
    onDisconnect: settings.onDisconnect,
    disconnectGraceMs: settings.disconnectGraceMs,
    stack: Object.freeze(stack),
    position: tree.position,
  }
  return { endpoint: Object.freeze(endpoint), route, issues: list.issues }
}

/** Whether a stack has a Response step, at any depth. */
function usesResponse(stack: readonly StepNode[]): boolean {
  return stack.some(
    (step) =>
      (step.function === 'Response' && !step.disabled) ||
      Object.values(step.stacks).some(usesResponse) ||
      Object.values(step.cases).some((cases) => cases.some(({ steps }) => usesResponse(steps))),
  )
}

/** The stack with the steps that settings stand for: filters first, the conversation before its first use. */
function withSettingSteps(
  stack: readonly StepNode[],
  { settings, stack: tree }: Sections,
  inputs: readonly InputDeclaration[],
  catalog: readonly FunctionShape[],
  list: IssueList,
): readonly StepNode[] {
  const { filters, conversation } = settingSteps(settings, inputs, list)
  const read = (node: TreeNode): readonly StepNode[] =>
    normalizeStack(node, 'settings.', 'the settings', { catalog: indexCatalog(catalog), list })
  const first = read(filters)
  if (conversation === null) return [...first, ...stack]
  const steps = read(conversation).map((step) => Object.freeze({ ...step, id: 'settings.conversation' }))
  return [...first, ...stack.toSpliced(firstUse(tree), 0, ...steps)]
}

/** The sections of a stack that takes a conversation from its caller, where the catalog has the function for it. */
function withConversation(sections: Sections, tree: TreeNode, catalog: readonly FunctionShape[]): Sections {
  if (sections.inputs !== null || sections.stack === null) return sections
  if (sections.settings.some(({ key }) => key === 'conversation')) return sections
  if (!catalog.some(({ name }) => name === 'Load Conversation')) return sections
  const conversation = conversationOf(sections.stack, tree.position)
  return conversation === null ? sections : { ...sections, ...conversation }
}

/** The name of a definition: its file without folder of the kind and ending, `chat/stream` for `endpoints/chat/stream.yaml`. */
export function definitionName(file: string): string {
  return file.replace(/^(?:endpoints|functions|tables|tests)\//, '').replace(/\.(?:jsonc?|ya?ml)$/i, '')
}

/** Reads the section `function_stack`, which must hold steps: words alone would be an endpoint that does nothing. */
export function readStack(sections: Sections, catalog: readonly FunctionShape[], list: IssueList): readonly StepNode[] {
  const { stack } = sections
  if (stack === null) return []
  const isEmpty = stack.value === null || stack.items?.length === 0
  if (isProse(stack) || isEmpty) {
    list.error(
      stack.position,
      'The function stack holds no steps; write objects such as { "function": "For Each", … }.',
    )
    return []
  }
  return normalizeStack(stack, '', '`function_stack`', { catalog: indexCatalog(catalog), list })
}

/** Path parameters are inputs: text unless declared otherwise, and always there. */
function withPathParameters(
  inputs: readonly InputDeclaration[],
  path: string,
  position: Position,
): readonly InputDeclaration[] {
  const names = pathParameters(path)
  const declared = inputs.map((input) =>
    names.includes(input.name) && !input.required ? Object.freeze({ ...input, required: true }) : input,
  )
  const implied = names
    .filter((name) => !inputs.some((input) => input.name === name))
    .map((name) => Object.freeze({ ...plainInput(name, 'text', null, position), required: true }))
  return Object.freeze([...declared, ...implied])
}
