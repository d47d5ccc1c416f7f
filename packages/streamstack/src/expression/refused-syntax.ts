/** JavaScript that the language leaves out, by ESTree type: what it is called, and what to write instead. */
const refused: Readonly<Record<string, readonly [what: string, cure: string]>> = {
  AssignmentExpression: ['An assignment', 'Compare with ===; change variables with an Update Variables step.'],
  UpdateExpression: ['++ or --', 'Write + 1 or - 1; change variables with an Update Variables step.'],
  FunctionExpression: [
    'A function',
    'Write an arrow function such as item => item.name as the argument of map or filter.',
  ],
  ClassExpression: ['A class', 'Use plain objects.'],
  NewExpression: ['`new`', 'Dates are text or milliseconds: use now, toISOString(value), formatDate(value, pattern).'],
  ThisExpression: ['`this`', 'Name the variable itself.'],
  Super: ['`super`', 'Name the variable itself.'],
  MetaProperty: ['A meta property', 'Name the variable itself.'],
  SequenceExpression: ['A comma between expressions', 'Write one expression.'],
  TaggedTemplateExpression: ['A tagged template', 'Call a function with parentheses.'],
  ImportExpression: ['`import`', 'Only the listed functions are available.'],
  YieldExpression: ['`yield`', 'Use a For Each step.'],
  AwaitExpression: ['`await`', 'Values are ready when an expression reads them; leave it out.'],
}

const operatorCures: Readonly<Record<string, string>> = {
  '&': 'Write && for "and".',
  '|': 'There are no pipes: use a method or a function, as {{name.toUpperCase()}}; and write || for "or".',
  '^': 'Write ** for a power, !== for "either or".',
  '~': 'Write ! for "not".',
  '<<': 'Write * 2 ** n.',
  '>>': 'Write Math.floor(a / 2 ** n).',
  '>>>': 'Write Math.floor(a / 2 ** n).',
  instanceof: 'Use typeof or Array.isArray(value).',
  void: 'Write null.',
  delete: "Use omit(object, 'key').",
}

/** The message for syntax that is not in the language. */
export function refusedSyntax(type: string): string {
  const row = refused[type]
  return row === undefined
    ? 'This syntax is not available in expressions. Write it with operators and the listed functions.'
    : `${row[0]} is not available in expressions. ${row[1]}`
}

/** The message for an operator that is not in the language. */
export function refusedOperator(operator: string): string {
  const cure = operatorCures[operator] ?? 'Use one of the listed operators.'
  return `The operator ${operator} is not available in expressions. ${cure}`
}
