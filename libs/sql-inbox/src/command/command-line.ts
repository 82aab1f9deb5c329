import { parseArgs } from 'node:util';

/** Options beside `--help`: those that take a value, and whether they must be there. */
const COMMANDS = {
  backup: { from: true, to: true },
  migrate: { from: true, to: true, schema: false },
} as const satisfies Readonly<Record<string, Readonly<Record<string, boolean>>>>;

export type CommandName = keyof typeof COMMANDS;

export type CommandLine =
  | { readonly command: 'help'; readonly about?: CommandName }
  | { readonly command: 'backup'; readonly from: string; readonly to: string; readonly json: boolean }
  | {
      readonly command: 'migrate';
      readonly from: string;
      readonly to: string;
      readonly schema?: string;
      readonly json: boolean;
    }
  | { readonly command: 'wrong'; readonly problem: string };

/** Never shows a value: the URL, wherever it was written, has the password in it. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { tokens, values, positionals } = parseArgs({ args: [...args], strict: false, tokens: true, options: OPTIONS });
  const command = positionals.find(isCommand);
  if (values.help === true || args.length === 0) return { command: 'help', ...(command && { about: command }) };
  const { from, to, schema } = values;
  const options: Readonly<Record<string, boolean>> = command
    ? COMMANDS[command]
    : { ...COMMANDS.backup, ...COMMANDS.migrate };
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const isSwitch = token.name === 'json' || token.name === 'help';
    if (!isSwitch && !Object.hasOwn(options, token.name)) return wrong(`there is no option ${token.rawName}`);
    const hasValue =
      token.value !== undefined && token.value !== '' && (token.inlineValue || !token.value.startsWith('-'));
    if (!isSwitch && !hasValue) return wrong(`${token.rawName} needs a value`);
    if (isSwitch && token.value !== undefined) return wrong(`${token.rawName} takes no value`);
  }
  if (command === undefined || positionals[0] !== command) {
    return wrong(`expected a command first: ${Object.keys(COMMANDS).join(' or ')}`);
  }
  if (positionals.length > 1) return wrong('there is a word too many; --from and --to come before their values');
  if (typeof from !== 'string') return wrong('--from is missing');
  if (typeof to !== 'string') return wrong('--to is missing');
  const both = { from, to, json: values.json === true };
  if (command === 'backup') return { command, ...both };
  return { command, ...both, ...(typeof schema === 'string' && { schema }) };
}

const OPTIONS = {
  from: { type: 'string' },
  to: { type: 'string' },
  schema: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function isCommand(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}

function wrong(problem: string): CommandLine {
  return { command: 'wrong', problem };
}
