import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, type HeaderMap, type Source } from 'nestjs-runhooks/core';
import { dbtCloud, type DbtCloudOptions } from './source.js';

const fixtures = new URL('../../../test/fixtures/dbt-cloud/', import.meta.url);
const body = readFileSync(new URL('12-completed.json', fixtures));

function optionAtFault(source: Source): string {
  try {
    source.open();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.option;
  }
  return 'none';
}

function sign(secret: string): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

function verify(headers: HeaderMap, options: Partial<DbtCloudOptions> = {}) {
  const source = dbtCloud({ name: 'dbt', secrets: ['12345abcde'], ...options });
  return source.open().verify({ source: 'dbt', body, headers, receivedAt: new Date() });
}

describe('dbtCloud', () => {
  it('returns a source of the provider dbt-cloud with the options of every source, and exposes no secret', () => {
    const source = dbtCloud({ name: 'dbt', path: ['/a', '/b'], bodyBytesMax: 10, secrets: ['hidden-secret'] });

    expect(source).toEqual({
      name: 'dbt',
      path: ['/a', '/b'],
      bodyBytesMax: 10,
      provider: 'dbt-cloud',
      open: expect.any(Function),
      openApi: expect.any(Function),
    });
    expect(JSON.stringify([source, source.open()])).not.toContain('hidden-secret');
  });

  it('describes the signature and keeps no header', () => {
    const provider = dbtCloud({
      name: 'dbt',
      secrets: ['one secret', 'two secrets'],
      signatureHeader: 'X-Forwarded-Authorization',
    }).open();

    expect(provider.name).toBe('dbt-cloud');
    expect(provider.signature).toBe('HMAC-SHA256 in x-forwarded-authorization, 2 secrets');
    expect(provider.headersKept).toEqual([]);
  });

  it.each([
    [{ secrets: [] }, 'secrets'],
    [{ secrets: [undefined] }, 'secrets[0]'],
    [{ secrets: [''] }, 'secrets[0]'],
    [{ secrets: ['good secret', ' \n'] }, 'secrets[1]'],
    [{ secrets: ['7 bytes'] }, 'secrets[0]'],
    [{ secrets: undefined }, 'secrets'],
    [{ secrets: 'text' }, 'secrets'],
    [{ secrets: [7] }, 'secrets[0]'],
    [{ signatureHeader: '' }, 'signatureHeader'],
    [{ signatureHeader: 'x signature' }, 'signatureHeader'],
    [{ accessUrl: '' }, 'accessUrl'],
    [{ accessUrl: 'cloud.getdbt.com' }, 'accessUrl'],
    [{ accessUrl: 'http://cloud.getdbt.com' }, 'accessUrl'],
    [{ accessUrl: 'https://user:pass@cloud.getdbt.com' }, 'accessUrl'],
    [{ accessUrl: 'https://cloud.getdbt.com/?a=b' }, 'accessUrl'],
    [{ testRunIds: '123' }, 'testRunIds'],
    [{ testRunIds: ['1', 123] }, 'testRunIds[1]'],
    [{ testRunIds: [''] }, 'testRunIds[0]'],
  ])('fails at startup with %j and names the option', (wrong, option) => {
    const source = dbtCloud({ name: 'dbt', secrets: ['a secret'], ...wrong } as DbtCloudOptions);

    expect(optionAtFault(source)).toBe(`dbtCloud({ name: 'dbt' }).${option}`);
  });

  it('accepts a body signed with any secret, including one configured with a line break', () => {
    const secrets = ['new-secret', 'old-secret\n'];

    expect(verify({ authorization: sign('new-secret') }, { secrets })).toEqual({ ok: true, secretIndex: 0 });
    expect(verify({ authorization: sign('old-secret').toUpperCase() }, { secrets })).toEqual({
      ok: true,
      secretIndex: 1,
    });
  });

  it('uses the signature of the configured header only', () => {
    const headers = { 'x-forwarded-authorization': sign('12345abcde'), authorization: 'Bearer token' };

    expect(verify(headers)).toMatchObject({ ok: false, check: 'malformed-header' });
    expect(verify(headers, { signatureHeader: 'X-Forwarded-Authorization' })).toMatchObject({ ok: true });
    expect(
      verify({ authorization: sign('12345abcde') }, { signatureHeader: 'x-forwarded-authorization' }),
    ).toMatchObject({
      ok: false,
      check: 'missing-header',
    });
  });
});

describe('the hint about a rejected request', () => {
  const provider = dbtCloud({ name: 'dbt', secrets: ['a secret'] }).open();
  const lifecycle = JSON.parse(readFileSync(new URL('01-2021-lifecycle-running.headers.json', fixtures), 'utf8'));

  it('names the unsigned lifecycle events of 2021', () => {
    expect(provider.hint?.(lifecycle)).toBe(
      'The request looks like an unsigned dbt Cloud lifecycle event of 2021. Use account-level webhooks instead ' +
        '(https://docs.getdbt.com/docs/deploy/webhooks).',
    );
  });

  it.each([{ authorization: 'Bearer x.y.z' }, { authorization: 'a'.repeat(64), 'x-forwarded-authorization': 'b' }])(
    'suggests signatureHeader if %j shows a gateway',
    (headers) => {
      expect(provider.hint?.(headers)).toContain("signatureHeader: 'x-forwarded-authorization'");
    },
  );

  it('is absent for ordinary headers, or if another header is configured', () => {
    const other = dbtCloud({ name: 'dbt', secrets: ['a secret'], signatureHeader: 'x-forwarded-authorization' }).open();

    expect(provider.hint?.({ authorization: 'abc', 'content-type': 'application/json' })).toBeUndefined();
    expect(other.hint?.({ authorization: 'Bearer x' })).toBeUndefined();
  });
});
