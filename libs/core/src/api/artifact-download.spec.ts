import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { downloadArtifact, downloadArtifactBytes, type ArtifactDownload } from './artifact-download.js';
import { isPrivateAddress } from './private-address.js';
import type { ProviderApiError } from './provider-api-error.js';

const SIGNATURE = 'X-Amz-Signature=presigned';
const allowed: ArtifactDownload = { asked: 'Probe: get manifest.json of run 5', allowedHosts: ['127.0.0.1'] };

let server: Server;
let origin: string;
let paths: Record<string, (response: ServerResponse) => void>;
let requests: IncomingMessage['headers'][];

beforeEach(async () => {
  [paths, requests] = [{}, []];
  server = createServer((request, response) => {
    requests.push(request.headers);
    const answer = paths[(request.url ?? '').split('?')[0] ?? ''];
    if (answer) answer(response);
    else response.writeHead(404).end('no such key: secret-bucket');
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => void server.close(resolve));
});

async function textOf(path: string, options: ArtifactDownload = allowed): Promise<string> {
  return Buffer.from(await downloadArtifactBytes(`${origin}${path}?${SIGNATURE}`, options)).toString();
}

async function failureOf(promise: Promise<unknown>): Promise<ProviderApiError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown as ProviderApiError,
  );
  expect(error).toMatchObject({ code: 'RUNHOOKS_PROVIDER_API' });
  expect(error?.message).toMatch(/^Probe: get manifest\.json of run 5: expected /);
  expect(error?.message).not.toMatch(/presigned|secret|127\.0\.0\.1|https?:\/\//);
  return error as ProviderApiError;
}

describe('downloadArtifact', () => {
  it('returns a file and sends no credentials', async () => {
    paths['/file'] = (response) => void response.end('{"a":1}');
    await expect(textOf('/file')).resolves.toBe('{"a":1}');
    expect(requests[0]).not.toHaveProperty('authorization');
    expect(requests[0]).not.toHaveProperty('cookie');
  });

  it('decompresses a file that is stored as gzip, and limits the bytes after that', async () => {
    paths['/file'] = (response) =>
      void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(100_000)));
    await expect(textOf('/file')).resolves.toHaveLength(100_000);
    expect(await failureOf(textOf('/file', { ...allowed, bytesMax: 99_999 }))).toMatchObject({ reason: 'too-large' });
  });

  it('follows up to three redirects', async () => {
    paths['/1'] = (response) => void response.writeHead(302, { location: '/2' }).end();
    paths['/2'] = (response) => void response.writeHead(307, { location: `${origin}/3` }).end();
    paths['/3'] = (response) => void response.writeHead(301, { location: '/4' }).end();
    paths['/4'] = (response) => void response.end('moved');
    await expect(textOf('/1')).resolves.toBe('moved');
    paths['/4'] = (response) => void response.writeHead(301, { location: '/4' }).end();
    expect(await failureOf(textOf('/1'))).toMatchObject({ reason: 'refused' });
  });

  it.each([
    'http://example.com/file',
    'http://localhost:1/file',
    'https://10.1.2.3/file',
    'https://[fd00::1]/file',
    'file:///etc/passwd',
    'not a url',
  ])('does not follow a redirect to %s', async (location) => {
    paths['/1'] = (response) => void response.writeHead(302, { location: encodeURI(location) }).end();
    const failure = await failureOf(textOf('/1'));
    expect(failure.reason).toMatch(/^(refused|not-found)$/);
    expect(requests.length).toBeLessThanOrEqual(2);
  });

  it.each([
    'http://example.com/file',
    'https://user:pass@example.com/file',
    'https://127.0.0.1/file',
    'https://169.254.169.254/latest/meta-data',
    'https://[::ffff:10.0.0.1]/file',
    'https://localhost/file',
    'ftp://example.com/file',
    '',
  ])('calls %s only if it is allowed', async (url) => {
    const failure = await failureOf(downloadArtifact(url, { asked: allowed.asked }));
    expect(failure.reason).toBe('refused');
  });

  it.each([
    [404, 'not-found'],
    [403, 'refused'],
    [503, 'unavailable'],
  ])('rejects with a reason for status %d', async (status, reason) => {
    paths['/file'] = (response) => void response.writeHead(status).end('secret');
    expect(await failureOf(textOf('/file'))).toMatchObject({ reason, status });
  });

  it('rejects when no answer comes in time, or when the answer is cut', async () => {
    paths['/slow'] = () => undefined;
    paths['/cut'] = (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('x', () => void response.destroy());
    };
    expect(await failureOf(textOf('/slow', { ...allowed, timeoutMs: 20 }))).toMatchObject({ reason: 'timeout' });
    expect(await failureOf(textOf('/cut'))).toMatchObject({ reason: 'invalid-answer' });
  });

  it('rejects with the reason of an abort', async () => {
    const controller = new AbortController();
    const reason = new Error('stopped');
    paths['/slow'] = () => controller.abort(reason);
    await expect(textOf('/slow', { ...allowed, signal: controller.signal })).rejects.toBe(reason);
  });
});

describe('isPrivateAddress', () => {
  it.each([
    '127.0.0.1',
    '10.0.0.1',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '240.0.0.1',
  ])('returns true for %s', (address) => expect(isPrivateAddress(address)).toBe(true));

  it.each([
    '::',
    '::1',
    'fe80::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    'x',
  ])('returns true for %s', (address) => expect(isPrivateAddress(address)).toBe(true));

  it.each(['8.8.8.8', '172.32.0.1', '52.45.144.63', '2606:4700::1111', '2a00:1450:4001:81b::200e'])(
    'returns false for %s',
    (address) => expect(isPrivateAddress(address)).toBe(false),
  );
});
