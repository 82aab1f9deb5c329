import type { HeaderMap } from 'nestjs-runhooks/core';

/** For the operator: what the headers of a refused request look like. */
export function hintOf(headers: HeaderMap, signatureHeader: string): string | undefined {
  if (headers['x-webhook-payload-version'] !== undefined) {
    return (
      'This looks like a dbt Cloud lifecycle event of 2021, which is not signed; use the account-level webhooks ' +
      'of today instead (https://docs.getdbt.com/docs/deploy/webhooks).'
    );
  }
  if (signatureHeader !== 'authorization') return undefined;
  if (headers['x-forwarded-authorization'] === undefined && !/^bearer\b/i.test(headers['authorization'] ?? '')) {
    return undefined;
  }
  return (
    "It looks as if a gateway put its own credentials into authorization in place of dbt's signature; if it moved " +
    "the signature to another header, name that one: signatureHeader: 'x-forwarded-authorization'."
  );
}
