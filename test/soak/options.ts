import { parseArgs } from 'node:util';

/** Fewer would be over before anything could settle. */
const MESSAGES_MIN = 10_000;

export const USAGE = `Usage: npm run test:soak -- [options]

Sends signed webhooks through one SQLite inbox on a file, as fast as they are handled, with purging on: receiver,
dispatcher and purger of the core, one handler for each message, without HTTP and without Nest. Fails if the last tenth
accepts less than 80 % of what the first tenth did, if memory grows by more than 30 MB, or if the file keeps growing.

Retention is that of the defaults, 30 and 400 days, but compressed by a clock that advances by a millisecond with each
message: 30 days are a fiftieth of the messages. Before the first tenth, the inbox is filled for longer than both, so
that every tenth purges as much as it stores.

  --messages <number>  to be sent after the warm-up, at least ${MESSAGES_MIN} (default 1000000)
  --directory <path>   where the file is made (default: the system's directory for temporary files)
  --json               one JSON document on stdout, progress on stderr
  --help               this text`;

export interface Options {
  readonly messages: number;
  readonly directory: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

/** Throws an error that says what is wrong with the command line. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      messages: { type: 'string', default: '1000000' },
      directory: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const messages = Number(values.messages);
  if (!Number.isSafeInteger(messages) || messages < MESSAGES_MIN) {
    throw new Error(`--messages: found "${values.messages}"; expected a whole number, at least ${MESSAGES_MIN}`);
  }
  return { messages, directory: values.directory, json: values.json, help: values.help };
}
