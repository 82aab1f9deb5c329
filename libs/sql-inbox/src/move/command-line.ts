import { parseArgs } from 'node:util';

export const HELP = `Usage: npx nestjs-runhooks migrate --from <file> --to <url> [--schema <name>] [--json]

Moves an inbox from an SQLite file to a schema of a PostgreSQL database (14 or newer), where several hosts can share it.

  --from <file>    the file that sqliteInbox was given; it is only read
  --to <url>       postgres://user:password@host:port/database; the password may be in the variable PGPASSWORD instead
  --schema <name>  the schema that postgresInbox is given; made if it is not there (default: runhooks)
  --json           one JSON object a line in place of text
  -h, --help       show this

Stop every app on the file first. Interrupted at any moment, the same command goes on where it stopped. At the end the
rows of each table are counted on both sides; no app opens the new inbox before that.

Exit code 0: all is there. 1: refused or failed, and the message says what to do. 2: the command line is wrong.
3: the server failed on the way; run the same command again.
`;

export type CommandLine =
  | { readonly command: 'help' }
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
  const { tokens, values, positionals } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: OPTIONS,
  });
  if (values.help === true || args.length === 0) return { command: 'help' };
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(OPTIONS, token.name) ? OPTIONS[token.name as keyof typeof OPTIONS] : undefined;
    if (!option) return wrong(`there is no option ${token.rawName}`);
    const hasValue =
      token.value !== undefined && token.value !== '' && (token.inlineValue || !token.value.startsWith('-'));
    if (option.type === 'string' && !hasValue) return wrong(`${token.rawName} needs a value`);
    if (option.type === 'boolean' && token.value !== undefined) return wrong(`${token.rawName} takes no value`);
  }
  if (positionals[0] !== 'migrate') return wrong('the only command is "migrate"');
  if (positionals.length > 1)
    return wrong('there is a word too many; --from and --to come before the file and the URL');
  const { from, to, schema, json } = values;
  if (typeof from !== 'string') return wrong('--from is missing');
  if (typeof to !== 'string') return wrong('--to is missing');
  return { command: 'migrate', from, to, json: json === true, ...(typeof schema === 'string' && { schema }) };
}

const OPTIONS = {
  from: { type: 'string' },
  to: { type: 'string' },
  schema: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function wrong(problem: string): CommandLine {
  return { command: 'wrong', problem };
}
