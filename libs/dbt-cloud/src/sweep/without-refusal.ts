import { isProviderApiError } from 'nestjs-runhooks/core';

/** Returns the items of a list, or none if the token may not read it. Any other failure ends the round. */
export async function withoutRefusal<T>(read: () => Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await read();
  } catch (error) {
    if (isProviderApiError(error) && (error.reason === 'forbidden' || error.reason === 'not-found')) return [];
    throw error;
  }
}
