import { lookup } from 'node:dns';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { createGunzip } from 'node:zlib';
import { LIMITS } from '../limits.js';
import { boundedStream, readAll } from './answer-body.js';
import { isLoopbackHost } from './api-url.js';
import { transportFailureOf } from './call-failure.js';
import { Deadline } from './deadline.js';
import { isPrivateAddress } from './private-address.js';
import { ProviderApiError, type ProviderApiErrorReason } from './provider-api-error.js';

/** Options for {@link downloadArtifact}. */
export interface ArtifactDownload {
  /** The provider and the call in words, for errors: `Paradime: get target/manifest.json of run 5`. */
  readonly asked: string;
  /**
   * Host names (without a port) that may have a private address, or be called by http if they are this host.
   * @default none
   */
  readonly allowedHosts?: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /**
   * Time for the start of the answer and for each chunk.
   * @default 15_000
   */
  readonly timeoutMs?: number;
  /** Bytes after decompression. @default 33_554_432 (32 MiB) */
  readonly bytesMax?: number;
}

/** Inside this file: a host resolves to an address that must not be called. */
class PrivateAddress extends Error {}

/**
 * Returns a file at a URL that a provider's API returned, such as a presigned one, as a stream. It sends no credentials.
 *
 * The URL, and each of up to three redirects, must be https. Its host must not have a private, loopback or link-local
 * address, unless `allowedHosts` names it; http is accepted only for such a host that is this host. The address is checked
 * when the connection is made, so that the name cannot resolve to another one in between. That is not possible with `fetch`,
 * so this is `node:https`. Proxies of the environment are not used.
 *
 * The stream fails with a {@link ProviderApiError}. Read it to the end, or cancel it.
 *
 * @throws {ProviderApiError} with the reason; `not-found` for 404, and `refused` for 403 (an expired URL) and a URL that must
 *   not be called.
 */
export async function downloadArtifact(url: string, options: ArtifactDownload): Promise<ReadableStream<Uint8Array>> {
  const deadline = new Deadline(options.timeoutMs ?? LIMITS.apiTimeoutMs, options.signal);
  let response: IncomingMessage | undefined;
  try {
    response = await follow(url, options, deadline);
    return boundedStream(decompressed(response), {
      bytesMax: options.bytesMax ?? LIMITS.apiAnswerBytesMax,
      deadline,
      failed: (error) => errorOf(options, error, deadline, true),
    });
  } catch (error) {
    response?.destroy();
    deadline.end();
    throw errorOf(options, error, deadline, false);
  }
}

/** Returns the bytes of the same file. */
export async function downloadArtifactBytes(url: string, options: ArtifactDownload): Promise<Uint8Array> {
  return readAll(await downloadArtifact(url, options), Number.POSITIVE_INFINITY);
}

async function follow(url: string, options: ArtifactDownload, deadline: Deadline): Promise<IncomingMessage> {
  let at = checkUrl(url, options);
  for (let redirects = 0; ; redirects++) {
    const response = await get(at, options, deadline);
    const { statusCode = 0, headers } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    response.destroy();
    if (statusCode < 300 || statusCode >= 400 || headers.location === undefined) throw refusal(options, statusCode);
    if (redirects >= LIMITS.artifactRedirectsMax) {
      throw failure(
        options,
        'refused',
        `expected at most ${LIMITS.artifactRedirectsMax} redirects, got more`,
        statusCode,
      );
    }
    at = checkUrl(URL.canParse(headers.location, at.href) ? new URL(headers.location, at).href : '', options);
  }
}

function checkUrl(text: string, options: ArtifactDownload): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.username !== '' || url.password !== '') {
    throw failure(options, 'refused', 'expected the URL of a file, without credentials, got another value');
  }
  const name = bareHost(url);
  const isAllowed = options.allowedHosts?.includes(name) ?? false;
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isAllowed && isLoopbackHost(url.hostname))) {
    throw failure(options, 'refused', 'expected a URL with https, got another protocol');
  }
  // An address instead of a name is not looked up.
  if (isIP(name) !== 0 && !isAllowed && isPrivateAddress(name)) throw new PrivateAddress();
  return url;
}

function get(url: URL, options: ArtifactDownload, deadline: Deadline): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const settings: RequestOptions = {
    headers: { accept: '*/*', 'accept-encoding': 'identity' },
    // A connection of another agent may have been made to an address that was not checked.
    agent: false,
    signal: deadline.signal,
    ...(options.allowedHosts?.includes(bareHost(url)) ? {} : { lookup: lookupPublic }),
  };
  return new Promise((resolve, reject) => {
    request(url, settings, resolve).on('error', reject).end();
  });
}

/** Fails unless all addresses of a host are public. */
const lookupPublic: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return done(error, '', 0);
    const [first] = addresses;
    if (!first || addresses.some(({ address }) => isPrivateAddress(address))) return done(new PrivateAddress(), '', 0);
    // Node asks for all addresses if it tries them in turn.
    return options.all ? done(null, addresses) : done(null, first.address, first.family);
  });
};

/** Some stores send a file as they keep it, whatever encoding is asked for. */
function decompressed(response: IncomingMessage): AsyncIterable<Uint8Array> {
  if (response.headers['content-encoding'] !== 'gzip') return response;
  const unzipped = createGunzip();
  response.on('error', (error) => unzipped.destroy(error));
  unzipped.on('close', () => response.destroy());
  return response.pipe(unzipped);
}

function errorOf(options: ArtifactDownload, error: unknown, deadline: Deadline, began: boolean): unknown {
  const { signal, timeoutMs = LIMITS.apiTimeoutMs, bytesMax = LIMITS.apiAnswerBytesMax } = options;
  if (signal?.aborted) return signal.reason;
  if (error instanceof PrivateAddress) {
    return failure(options, 'refused', 'expected a file on a public address, got a private one');
  }
  const found = transportFailureOf(error, { isOver: deadline.isOver, began, timeoutMs, bytesMax });
  return found ? failure(options, found.reason, found.found) : error;
}

function refusal(options: ArtifactDownload, status: number): ProviderApiError {
  const reason = status === 404 ? 'not-found' : status >= 500 ? 'unavailable' : 'refused';
  return failure(options, reason, `expected a 2xx status, got ${status}`, status);
}

const REMEDIES: Partial<Record<ProviderApiErrorReason, string>> = {
  refused: 'If the file is on a host of your own, name it in the allowed hosts. Otherwise ask the API for a new URL',
  'too-large': 'Raise the limit of bytes, or read it as a stream',
};

function failure(
  { asked }: ArtifactDownload,
  reason: ProviderApiErrorReason,
  found: string,
  status?: number,
): ProviderApiError {
  return new ProviderApiError({ reason, asked, found, todo: REMEDIES[reason] ?? 'Try again later', status });
}

/** Returns the host of a URL without a port, and without the brackets of an IPv6 address. */
function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}
