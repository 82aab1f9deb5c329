import { expect } from '@jest/globals';
import { StoreUnavailableError } from 'nestjs-runhooks/core';
import type { Fault } from './driver-errors.js';

/** Expects an error that names the file and the fix and keeps the engine's message. */
export function expectUnavailable(failure: unknown, file: string, { remedy }: Fault): void {
  expect(failure).toBeInstanceOf(StoreUnavailableError);
  const { message, cause } = failure as StoreUnavailableError;
  expect(message).toContain(file);
  expect(message).toMatch(remedy);
  expect((cause as Error).message).toEqual(expect.any(String));
}
