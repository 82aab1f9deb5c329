import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../errors.js';
import { hmacHex } from './hmac-hex.js';
import { PUBLISHED_SECRETS, TEST_SECRETS } from './published-secrets.js';
import { standardWebhooks } from './standard-webhooks.js';
import { staticToken } from './static-token.js';

const { NODE_ENV } = process.env;

const asHmac = (secret: string) => () => hmacHex({ secrets: [secret], secretBytesMin: 8 }, 'a');
const asStandard = (secret: string) => () => standardWebhooks({ secrets: [secret] }, 'a');
const asText = (secret: string) => () => standardWebhooks({ secrets: [{ utf8: secret }] }, 'a');
const asToken = (secret: string) => () => staticToken({ header: 'x-token', tokens: [secret] }, 'a');

/** Secrets as documents print them: as they are, or as the text that they are made of. */
function printedIn(document: string): string[] {
  const text = readFileSync(new URL(`../../../../${document}`, import.meta.url), 'utf8');
  const made = [...text.matchAll(/Buffer\.from\('([^']+)'\)\.toString\('base64'\)/g)].map(
    ([, bytes = '']) => `whsec_${Buffer.from(bytes).toString('base64')}`,
  );
  const exported = [...text.matchAll(/\b[A-Z_]*(?:SECRET|TOKEN)[A-Z_]*=([\w+/=.-]+)(?=\s)/g)].map(
    ([, secret = '']) => secret,
  );
  return [...made, ...exported, ...(text.match(/\bwh(?:sec|pk)_[A-Za-z0-9+/]{22,}={0,2}/g) ?? [])];
}

describe('the secrets in documents of this package', () => {
  it('are all listed, so that none works in production', () => {
    const pages = readdirSync(new URL('../../../../docs/', import.meta.url), { recursive: true, encoding: 'utf8' });
    const documents = [
      'README.md',
      'compose.yaml',
      ...pages.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
    ];
    const printed = documents.flatMap(printedIn);
    expect(printed).not.toEqual([]);
    expect(PUBLISHED_SECRETS).toEqual(expect.arrayContaining(printed));
  });
});

describe('a published secret', () => {
  afterEach(() => {
    process.env['NODE_ENV'] = NODE_ENV;
  });

  const configured: [string, () => unknown][] = [
    ...PUBLISHED_SECRETS.map((secret): [string, () => unknown] => [
      secret,
      /^wh(sec|pk)_/.test(secret) ? asStandard(secret) : asHmac(secret),
    ]),
    ['one of base64 without its prefix', asStandard(TEST_SECRETS.paradime.slice('whsec_'.length))],
    ['one of base64 for dbt', asHmac(TEST_SECRETS.paradime)],
    ['one of text for Paradime', asText(TEST_SECRETS.dbtCloud)],
    ['one as a token', asToken(TEST_SECRETS.dbtCloud)],
    ['one as a token behind its scheme', asToken(`Bearer ${TEST_SECRETS.dbtCloud}`)],
    ['change-me', asHmac('change-me-please')],
    ['your secret', asHmac('<your secret here>')],
    ['a variable of a shell', asHmac('${DBT_CLOUD_WEBHOOK_SECRET}')],
    ['a variable of a shell without braces', asToken('Bearer $PARADIME_WEBHOOK_TOKEN')],
    ['a variable of Kubernetes', asHmac('$(DBT_CLOUD_WEBHOOK_SECRET)')],
    ['a variable of Helm', asText('{{ .Values.webhookSecret }}')],
    ['undefined made a text', asHmac('undefined')],
    ['an object made a text', asHmac('[object Object]')],
    ['an ellipsis', asText('whsec_… of the endpoint')],
    ['zeros', asStandard(`whsec_${Buffer.alloc(32).toString('base64')}`)],
    ['one letter', asHmac('xxxxxxxxxxxxxxxx')],
  ];

  it.each(configured)('fails at startup in production only: %s', (_name, make) => {
    process.env['NODE_ENV'] = 'production';
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(
      /^a\.(secrets|tokens)\[0\](\.utf8)?: expected the secret that the provider shows, got a test secret or a placeholder/,
    );
    process.env['NODE_ENV'] = 'test';
    expect(make).not.toThrow();
    delete process.env['NODE_ENV'];
    expect(make).not.toThrow();
  });

  it.each<[string, () => unknown]>([
    ['hex', asHmac('4f1d2c8a9b7e6f504132a1b2c3d4e5f6')],
    ['base64', asStandard('whsec_qP3xWl0Hn2vT8yZk5JcR7mUe1sXo4gDb')],
    ['base64 that has a word of templates in it', asStandard('whsec_changeMe/example/placeholder/aBc')],
    ['a token', asToken('Bearer 4f1d2c8a9b7e6f504132')],
    ['a text with the signs of variables in it', asText('pa$$word{4f1d}%2c8a9b7e(6f504132)')],
  ])('is not confused with a real one: %s', (_name, make) => {
    process.env['NODE_ENV'] = 'production';
    expect(make).not.toThrow();
  });
});
