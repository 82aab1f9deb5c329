import { describe, expect, it } from '@jest/globals';
import { HttpAdapterHost } from '@nestjs/core';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { requireNest } from './nest-version.js';

describe('requireNest', () => {
  it('accepts the Nest that is installed', () => {
    expect(() => requireNest(new HttpAdapterHost())).not.toThrow();
  });

  it('throws and names the required version if Nest does not announce its adapter', () => {
    const older = {} as HttpAdapterHost;
    expect(() => requireNest(older)).toThrow(ConfigurationError);
    expect(() => requireNest(older)).toThrow(/11\.1\.4 or newer/);
  });
});
