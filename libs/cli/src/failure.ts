import { oneLine, isRunhooksError } from 'nestjs-runhooks/core';

/** What options of an inbox, and of a webhook to send, are called on the command line. */
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

/** An error in terms of the command line; its message is one printable line. */
export function saidBy(error: unknown): { code: string; message: string } {
  if (!isRunhooksError(error)) return { code: 'UNEXPECTED', message: oneLine(String(error)) };
  const { code, message } = error;
  const option = Object.keys(FLAGS).find((name) => message.startsWith(`${name}:`));
  return { code, message: option === undefined ? message : `${FLAGS[option]}${message.slice(option.length)}` };
}
