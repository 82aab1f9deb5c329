import { parseArgs } from 'node:util';

/** With fewer messages the soak would end before its measurements become stable. */
const MESSAGES_MIN = 10_000;

export const USAGE = `Usage: npm run test:soak -- [options]

Sends signed webhooks through one SQLite inbox file as fast as they are handled, with purging on. It runs the receiver,
the dispatcher and the purger of the core with one handler per message, without HTTP and without Nest. It fails if the
last tenth accepts less than 80 % of the first tenth, if memory grows by more than 30 MB, or if the file keeps growing.

Retention has the proportion of the defaults, 30 and 400 days, on a clock that advances by a millisecond per message:
30 days are a fiftieth of the messages. Before the first tenth, the inbox is filled for longer than both periods, so
that every tenth purges as much as it stores.

  --messages <number>  messages to send after the warm-up, at least ${MESSAGES_MIN} (default 1000000)
  --directory <path>   directory of the inbox file (default: the system's temporary directory)
  --json               print one JSON document on stdout, and progress on stderr
  --help               print this text`;

export interface Options {
  readonly messages: number;
  readonly directory: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

/** Parses the command line. Throws an error that explains what is wrong with it. */
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
    throw new Error(`--messages: found "${values.messages}"; expected an integer of at least ${MESSAGES_MIN}`);
  }
  return { messages, directory: values.directory, json: values.json, help: values.help };
}
