import { Logger as NestLogger } from '@nestjs/common';
import { lineLogger, type Logger } from 'nestjs-runhooks/core';

/** Returns what every line of Runhooks in a Nest app is written by: Nest's logger, with the context `Runhooks`. */
export function runhooksLogger(): Logger {
  return lineLogger(new NestLogger('Runhooks'));
}
