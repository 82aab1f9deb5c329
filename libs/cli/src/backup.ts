import { isStoreUnavailableError } from 'nestjs-runhooks/core';
import { oneLine } from 'nestjs-runhooks/internal';
import { backupInbox } from '../../sql-inbox/src/backup/backup-inbox.js';
import type { LineOf } from './command-line.js';
import { failureOf } from './failure.js';
import { EXIT, type ExitCode, type Output } from './output.js';

/** Runs `nestjs-runhooks backup` and returns its exit code. */
export async function runBackup(line: LineOf<'backup'>, output: Output, errors: Output): Promise<ExitCode> {
  try {
    const backup = await backupInbox(line);
    const { from, to, bytes, schema, messages } = backup;
    output.write(
      line.json
        ? `${JSON.stringify({ kind: 'backup', ...backup })}\n`
        : `${oneLine(`Copied ${from} to ${to}: ${messages} messages, ${bytes} bytes, schema ${schema}. The copy was checked.`)}\n`,
    );
    return EXIT.done;
  } catch (error) {
    const { code, message } = failureOf(error);
    if (line.json) output.write(`${JSON.stringify({ kind: 'failed', code, message })}\n`);
    else errors.write(`nestjs-runhooks backup: ${message}\n`);
    return isStoreUnavailableError(error) ? EXIT.interrupted : EXIT.failed;
  }
}
