import { isRunhooksError } from 'nestjs-runhooks/core';
import { oneLine } from 'nestjs-runhooks/internal';

/** Flags of the command line by the options that they set. */
const FLAGS: Readonly<Record<string, string>> = {
  'postgresInbox.connectionString': '--to',
  'postgresInbox.schema': '--schema',
  'sqliteInbox.driver': '--from',
  sqliteInbox: '--from',
  postgresInbox: '--to',
  'dbtCloudWebhook({ event })': '--event',
  'paradimeWebhook({ event })': '--event',
  'paradimeWebhook({ secret })': '--secret-env',
};

/** Returns the code of an error, and its message as one printable line with flags instead of options. */
export function failureOf(error: unknown): { code: string; message: string } {
  if (!isRunhooksError(error)) return { code: 'UNEXPECTED', message: oneLine(String(error)) };
  const { code, message } = error;
  const option = Object.keys(FLAGS).find((name) => message.startsWith(`${name}:`));
  return { code, message: option === undefined ? message : `${FLAGS[option]}${message.slice(option.length)}` };
}
