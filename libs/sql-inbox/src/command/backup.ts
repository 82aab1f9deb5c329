import { oneLine, isStoreUnavailableError } from 'nestjs-runhooks/core';
import { backupInbox } from '../backup/backup-inbox.js';
import type { CommandLine } from './command-line.js';
import { saidBy } from './failure.js';
import { EXIT, type ExitCode, type Output } from './output.js';

type BackupLine = Extract<CommandLine, { command: 'backup' }>;

/** `nestjs-runhooks backup` */
export async function runBackup(line: BackupLine, output: Output, errors: Output): Promise<ExitCode> {
  try {
    const made = await backupInbox(line);
    const { from, to, bytes, schema, messages } = made;
    output.write(
      line.json
        ? `${JSON.stringify({ kind: 'backup', ...made })}\n`
        : `${oneLine(`Copied ${from} to ${to}: ${messages} messages, ${bytes} bytes, schema ${schema}. The copy was checked.`)}\n`,
    );
    return EXIT.done;
  } catch (error) {
    const { code, message } = saidBy(error);
    if (line.json) output.write(`${JSON.stringify({ kind: 'failed', code, message })}\n`);
    else errors.write(`nestjs-runhooks backup: ${message}\n`);
    return isStoreUnavailableError(error) ? EXIT.interrupted : EXIT.failed;
  }
}
