import type { program as declared } from '../../packages/streamstack/src/command/main.ts'
import { code, page, table } from './markdown.ts'

type Command = ReturnType<typeof declared>

/** Every command with its arguments and options, as `--help` knows them. */
export function commandsPage(program: Command): string {
  return page([
    '# Commands',
    `${program.description()} \`streamstack help <command>\` prints the same in a terminal. Exit code 0 means that a command did what was asked.`,
    table(
      ['command', 'what it does'],
      program.commands.map((command) => [`[${command.name()}](#${command.name()})`, command.description()]),
    ),
    ...program.commands.flatMap((command) => [...sectionOf(command, ''), ...partsOf(command)]),
  ])
}

/** Commands of a command, as `key list`. */
function partsOf(command: Command): string[] {
  return command.commands.flatMap((part) => sectionOf(part, `${command.name()} `))
}

/** `before`: the command that it belongs to, with a blank; empty: none. */
function sectionOf(command: Command, before: string): string[] {
  const { registeredArguments, options } = command
  const rows = [
    ...registeredArguments.map((argument) => [
      code(argument.required ? `<${argument.name()}>` : `[${argument.name()}]`),
      argument.description,
    ]),
    ...options.map(({ flags, description, argChoices, defaultValue }) => {
      const choices = argChoices === undefined ? '' : ` One of ${argChoices.map(code).join(', ')}.`
      const isTold = defaultValue === undefined || typeof defaultValue !== 'string'
      return [code(flags), `${description}.${choices}${isTold ? '' : ` Default: ${code(defaultValue)}.`}`]
    }),
  ]
  return [
    `${before === '' ? '##' : '###'} ${before}${command.name()}`,
    command.description(),
    code(`streamstack ${before}${command.name()} ${command.usage()}`),
    ...(rows.length === 0 ? [] : [table(['argument, option', ''], rows)]),
  ]
}
