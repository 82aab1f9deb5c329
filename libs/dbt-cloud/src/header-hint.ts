import type { HeaderMap } from 'nestjs-runhooks/core';

/** Returns a hint for the operator about the headers of a rejected request. */
export function hintOf(headers: HeaderMap, signatureHeader: string): string | undefined {
  if (headers['x-webhook-payload-version'] !== undefined) {
    return (
      'The request looks like an unsigned dbt Cloud lifecycle event of 2021. Use account-level webhooks instead ' +
      '(https://docs.getdbt.com/docs/deploy/webhooks).'
    );
  }
  if (signatureHeader !== 'authorization') return undefined;
  if (headers['x-forwarded-authorization'] === undefined && !/^bearer\b/i.test(headers['authorization'] ?? '')) {
    return undefined;
  }
  return (
    "A gateway seems to have replaced dbt's signature in authorization with its own credentials. If it moved the " +
    "signature to another header, set that header: signatureHeader: 'x-forwarded-authorization'."
  );
}
