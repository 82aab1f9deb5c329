import { isStoreUnavailableError, type Logger } from 'nestjs-runhooks/core';
import { oneLine } from 'nestjs-runhooks/internal';
import { moveInbox } from '../../sql-inbox/src/move/move-inbox.js';
import type { LineOf } from './command-line.js';
import { failureOf } from './failure.js';
import { jsonReport, textReport, type MoveReport } from './move-report.js';
import { EXIT, type ExitCode, type Output } from './output.js';

/** Runs `nestjs-runhooks move` and returns its exit code. */
export async function runMove(line: LineOf<'move'>, output: Output, errors: Output): Promise<ExitCode> {
  const report = line.json ? jsonReport(output) : textReport(output, errors);
  try {
    report.moved(await moveInbox(line, report.progress, loggerOf(report)));
    return EXIT.done;
  } catch (error) {
    const { code, message } = failureOf(error);
    report.failed(code, withoutPassword(message, line.to));
    return isStoreUnavailableError(error) ? EXIT.interrupted : EXIT.failed;
  }
}

/** Removes the password of the URL from a message. No known driver quotes it, but a driver may. */
function withoutPassword(message: string, url: string): string {
  if (!URL.canParse(url)) return message;
  const { password, searchParams } = new URL(url);
  const known = [password, decoded(password), searchParams.get('password') ?? ''];
  // Messages contain the printable form of a password.
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

function loggerOf({ warn }: MoveReport): Logger {
  const silent = (): void => undefined;
  return { debug: silent, log: silent, warn, error: warn };
}
