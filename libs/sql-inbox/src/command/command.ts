import { oneLine } from 'nestjs-runhooks/core';
import { runBackup } from './backup.js';
import { readCommandLine } from './command-line.js';
import { COMMAND_HELP, HELP } from './help.js';
import { runMigrate } from './migrate.js';
import { EXIT, type ExitCode, type Output } from './output.js';

/** The command `nestjs-runhooks`; returns its exit code. */
export async function runCommand(args: readonly string[], output: Output, errors: Output): Promise<ExitCode> {
  const line = readCommandLine(args);
  switch (line.command) {
    case 'help':
      output.write(line.about ? COMMAND_HELP[line.about] : HELP);
      return EXIT.done;
    case 'wrong':
      errors.write(`${oneLine(`nestjs-runhooks: ${line.problem}. See nestjs-runhooks --help`)}\n`);
      return EXIT.usage;
    case 'backup':
      return runBackup(line, output, errors);
    case 'migrate':
      return runMigrate(line, output, errors);
  }
}
