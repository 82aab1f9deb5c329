import { oneLine, RunhooksError, StoreUnavailableError, type Logger } from 'nestjs-runhooks/core';
import { HELP, readCommandLine } from './command-line.js';
import { moveInbox } from './move-inbox.js';
import { jsonReport, textReport, type Output, type Report } from './report.js';

/** See {@link HELP}. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 3 } as const;

/** What options of an inbox are called on the command line. */
const FLAGS: Readonly<Record<string, string>> = {
  'postgresInbox.connectionString': '--to',
  'postgresInbox.schema': '--schema',
  'sqliteInbox.driver': '--from',
  sqliteInbox: '--from',
  postgresInbox: '--to',
};

/** The command `nestjs-runhooks`; answers its exit code. */
export async function runCommand(args: readonly string[], output: Output, errors: Output): Promise<number> {
  const line = readCommandLine(args);
  if (line.command === 'help') {
    output.write(HELP);
    return EXIT.done;
  }
  if (line.command === 'wrong') {
    errors.write(`${oneLine(`nestjs-runhooks: ${line.problem}. See nestjs-runhooks --help`)}\n`);
    return EXIT.usage;
  }
  const report = line.json ? jsonReport(output) : textReport(output, errors);
  try {
    report.moved(await moveInbox(line, report.progress, loggerOf(report)));
    return EXIT.done;
  } catch (error) {
    const { code, message } = saidBy(error);
    report.failed(code, withoutPassword(message, line.to));
    return error instanceof StoreUnavailableError ? EXIT.interrupted : EXIT.failed;
  }
}

function saidBy(error: unknown): { code: string; message: string } {
  if (!(error instanceof RunhooksError)) return { code: 'UNEXPECTED', message: String(error) };
  const { code, message } = error;
  const option = Object.keys(FLAGS).find((name) => message.startsWith(`${name}:`));
  return { code, message: option === undefined ? message : `${FLAGS[option]}${message.slice(option.length)}` };
}

/** Nothing is known to quote it; what a driver says is not ours to know. */
function withoutPassword(message: string, url: string): string {
  if (!URL.canParse(url)) return message;
  const { password, searchParams } = new URL(url);
  const known = [password, decoded(password), searchParams.get('password') ?? ''];
  // An error's message has them as they are printed.
  const secrets = [...known, ...known.map((secret) => oneLine(secret))].filter((secret) => secret !== '');
  return secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function loggerOf({ warn }: Report): Logger {
  const silent = (): void => undefined;
  return { debug: silent, log: silent, warn, error: warn };
}
