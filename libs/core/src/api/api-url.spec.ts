import { describe, expect, it } from '@jest/globals';
import { checkApiUrl } from './api-url.js';

describe('checkApiUrl', () => {
  it.each([
    ['https://ab123.us1.dbt.com', 'https://ab123.us1.dbt.com'],
    ['https://ab123.us1.dbt.com/', 'https://ab123.us1.dbt.com'],
    ['https://proxy.example/dbt//', 'https://proxy.example/dbt'],
    ['http://localhost:8080', 'http://localhost:8080'],
    ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
  ])('returns %s without slashes at the end', (given, url) => {
    expect(checkApiUrl('api.baseUrl', given)).toBe(url);
  });

  it.each([
    'http://ab123.us1.dbt.com',
    'http://127.0.0.1.example.com',
    'https://user:pass@ab123.us1.dbt.com',
    'https://ab123.us1.dbt.com?token=secret',
    'https://ab123.us1.dbt.com#secret',
    'file:///etc/passwd',
    'ab123.us1.dbt.com',
    '',
    undefined,
    5,
  ])('rejects %s and names the option, not the value', (given) => {
    expect(() => checkApiUrl('api.baseUrl', given)).toThrow(/^api\.baseUrl: expected an https address/);
    expect(() => checkApiUrl('api.baseUrl', given)).not.toThrow(/secret|pass|dbt\.com/);
  });
});
