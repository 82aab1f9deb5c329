import { expect } from '@jest/globals';
import { StoreUnavailableError } from 'nestjs-runhooks/core';
import type { Fault } from './driver-errors.js';

/** Says which file, what to do about it, and keeps what the engine said. */
export function expectUnavailable(failure: unknown, file: string, { remedy }: Fault): void {
  expect(failure).toBeInstanceOf(StoreUnavailableError);
  const { message, cause } = failure as StoreUnavailableError;
  expect(message).toContain(file);
  expect(message).toMatch(remedy);
  expect((cause as Error).message).toEqual(expect.any(String));
}
