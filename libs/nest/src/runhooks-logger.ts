import { Logger as NestLogger } from '@nestjs/common';
import type { Logger } from 'nestjs-runhooks/core';
import { lineLogger } from 'nestjs-runhooks/internal';
import type { WebhooksOptions } from './webhooks.options.js';

/** Returns the logger for all lines of Runhooks: Nest's logger with the context `Runhooks`. */
export function runhooksLogger({ logArguments }: Pick<WebhooksOptions, 'logArguments'>): Logger {
  return lineLogger(new NestLogger('Runhooks'), logArguments);
}
