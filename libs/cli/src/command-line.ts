import { parseArgs } from 'node:util';

/**
 * Arguments of each command besides `--json` and `--help`: options with a value, `true` if it is required, and the name of a
 * value without an option.
 */
const COMMANDS = {
  backup: { options: { from: true, to: true } },
  move: { options: { from: true, to: true, schema: false } },
  send: {
    value: 'url',
    options: { provider: false, event: false, job: false, project: false, run: false, 'secret-env': false },
  },
} as const satisfies Readonly<
  Record<string, { readonly value?: string; readonly options: Readonly<Record<string, boolean>> }>
>;

export type CommandName = keyof typeof COMMANDS;

type Options<Name extends CommandName> = (typeof COMMANDS)[Name]['options'];
type Value<Name extends CommandName> = (typeof COMMANDS)[Name] extends { value: infer Key extends string }
  ? Key
  : never;

/** The arguments of one command by their names. */
export type LineOf<Name extends CommandName> = { readonly command: Name; readonly json: boolean } & {
  readonly [Key in keyof Options<Name> as Options<Name>[Key] extends true ? Key : never]: string;
} & { readonly [Key in keyof Options<Name> as Options<Name>[Key] extends false ? Key : never]?: string } & {
  readonly [Key in Value<Name>]: string;
};

export type CommandLine =
  | { readonly command: 'help'; readonly about?: CommandName }
  | { [Name in CommandName]: LineOf<Name> }[CommandName]
  | { readonly command: 'wrong'; readonly problem: string; readonly about?: CommandName };

/** Parses the arguments. Its problems never contain a value, because a URL at any place may contain a password. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { tokens, values, positionals } = parseArgs({ args: [...args], strict: false, tokens: true, options: OPTIONS });
  const command = positionals.find(isCommand);
  if (values['help'] === true || args.length === 0) return { command: 'help', ...(command && { about: command }) };
  const known: Readonly<Record<string, unknown>> = command ? COMMANDS[command].options : OPTIONS;
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const isSwitch = token.name === 'json' || token.name === 'help';
    if (!isSwitch && !Object.hasOwn(known, token.name)) return wrong(`unknown option ${token.rawName}`, command);
    const hasValue =
      token.value !== undefined && token.value !== '' && (token.inlineValue || !token.value.startsWith('-'));
    if (!isSwitch && !hasValue) return wrong(`${token.rawName} needs a value`, command);
    if (isSwitch && token.value !== undefined) return wrong(`${token.rawName} takes no value`, command);
  }
  if (command === undefined || positionals[0] !== command) {
    return wrong(`expected a command first: ${Object.keys(COMMANDS).join(', ')}`);
  }
  return lineOf(command, positionals.slice(1), values);
}

/** The options of all commands, for `parseArgs`. */
const OPTIONS = Object.fromEntries([
  ...Object.values(COMMANDS).flatMap(({ options }) => Object.keys(options).map((name) => [name, { type: 'string' }])),
  ['json', { type: 'boolean' }],
  ['help', { type: 'boolean', short: 'h' }],
]) as Record<string, { type: 'string' | 'boolean'; short?: string }>;

function lineOf(
  command: CommandName,
  words: readonly string[],
  values: Readonly<Record<string, unknown>>,
): CommandLine {
  const { options, ...own } = COMMANDS[command];
  const value = 'value' in own ? own.value : undefined;
  if (value !== undefined && words.length === 0) return wrong(`<${value}> is missing`, command);
  if (words.length > (value === undefined ? 0 : 1)) {
    return wrong(
      `expected ${value === undefined ? 'only options' : 'one value'}, got more words. Write each option before its value`,
      command,
    );
  }
  const missing = Object.entries(options).find(([name, isRequired]) => isRequired && typeof values[name] !== 'string');
  if (missing) return wrong(`--${missing[0]} is missing`, command);
  const given = Object.keys(options).flatMap((name) =>
    typeof values[name] === 'string' ? [[name, values[name]]] : [],
  );
  const line = { command, json: values['json'] === true, ...Object.fromEntries(given) };
  return (value === undefined ? line : { ...line, [value]: words[0] }) as CommandLine;
}

function isCommand(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}

function wrong(problem: string, about?: CommandName): CommandLine {
  return { command: 'wrong', problem, ...(about && { about }) };
}
