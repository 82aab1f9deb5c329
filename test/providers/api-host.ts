import type { ActionAnswer, ApiHost, ProviderAction } from 'nestjs-runhooks/core';

/** Mark of every action of {@link apiHost}. */
export const MARK = 'runhooks:0123456789abcdef';

/** A host for specs of clients: it shares its cooldowns with no other, and makes the call of an action without storing it. */
export function apiHost(
  now: () => Date,
  act: (action: ProviderAction) => Promise<ActionAnswer> = (action) => action.send(MARK),
): ApiHost {
  const cooldowns = new Map<string, Date>();
  return {
    now,
    cooldownUntil: (host, account) => Promise.resolve(cooldowns.get(`${host} ${account}`)),
    coolDown: (host, account, until) => Promise.resolve(void cooldowns.set(`${host} ${account}`, until)),
    act,
  };
}
