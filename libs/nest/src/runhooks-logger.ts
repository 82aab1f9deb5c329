import { Logger as NestLogger } from '@nestjs/common';
import { lineLogger, type Logger } from 'nestjs-runhooks/core';
import type { WebhooksOptions } from './webhooks.options.js';

/** Returns what every line of Runhooks in a Nest app is written by: Nest's logger, with the context `Runhooks`. */
export function runhooksLogger({ logArguments }: Pick<WebhooksOptions, 'logArguments'>): Logger {
  return lineLogger(new NestLogger('Runhooks'), logArguments);
}
