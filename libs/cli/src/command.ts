import { oneLine } from 'nestjs-runhooks/internal';
import { readCommandLine } from './command-line.js';
import { COMMAND_HELP, HELP } from './help.js';
import { EXIT, type ExitCode, type Output } from './output.js';

/** Runs `nestjs-runhooks` and returns its exit code. Each command is loaded only if it runs, because drivers are optional. */
export async function runCommand(args: readonly string[], output: Output, errors: Output): Promise<ExitCode> {
  const line = readCommandLine(args);
  switch (line.command) {
    case 'help':
      output.write(line.about ? COMMAND_HELP[line.about] : HELP);
      return EXIT.done;
    case 'wrong':
      errors.write(
        `${oneLine(`nestjs-runhooks: ${line.problem}. See nestjs-runhooks ${line.about ? `${line.about} ` : ''}--help`)}\n`,
      );
      return EXIT.usage;
    case 'backup':
      return (await import('./backup.js')).runBackup(line, output, errors);
    case 'move':
      return (await import('./move.js')).runMove(line, output, errors);
    case 'send':
      return (await import('./send.js')).runSend(line, output, errors);
  }
}
