import type { HttpAdapterHost } from '@nestjs/core';
import { ConfigurationError } from 'nestjs-runhooks/core';

/**
 * Throws {@link ConfigurationError} if Nest does not announce its HTTP adapter, as it does since version 11.1.4.
 * Package managers only warn about a peer that is too old, and some do not even warn.
 */
export function requireNest(host: HttpAdapterHost): void {
  if ((host as Partial<HttpAdapterHost>).init$ !== undefined) return;
  throw new ConfigurationError(
    '@nestjs/core',
    'expected version 11.1.4 or newer, got an older one. Run `npm install @nestjs/core@^11.1.4 @nestjs/common@^11.1.4`',
  );
}
