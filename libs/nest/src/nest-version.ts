import type { HttpAdapterHost } from '@nestjs/core';
import { ConfigurationError } from 'nestjs-runhooks/core';

/**
 * Throws {@link ConfigurationError} where Nest does not announce its HTTP adapter, which it does since version 11.1.4.
 * Package managers only warn of a peer that is too old, or not even that.
 */
export function requireNest(host: HttpAdapterHost): void {
  if ((host as Partial<HttpAdapterHost>).init$ !== undefined) return;
  throw new ConfigurationError(
    '@nestjs/core',
    'found a version older than 11.1.4; expected 11.1.4 or newer. Run `npm install @nestjs/core@^11.1.4 @nestjs/common@^11.1.4`',
  );
}
