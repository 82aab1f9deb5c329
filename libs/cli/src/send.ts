import { ConfigurationError, OwnError } from 'nestjs-runhooks/core';
import { oneLine } from 'nestjs-runhooks/internal';
import {
  dbtCloudWebhook,
  paradimeWebhook,
  type DbtCloudTestEvent,
  type ParadimeTestEvent,
  type SignedWebhook,
} from 'nestjs-runhooks/testing';
import type { LineOf } from './command-line.js';
import { failureOf } from './failure.js';
import { LIMITS } from './limits.js';
import { EXIT, type ExitCode, type Output } from './output.js';

type SendLine = LineOf<'send'>;

/** Providers whose webhooks can be sent, and the environment variable of the secret in the README's app. */
const PROVIDERS = {
  'dbt-cloud': { secretVariable: 'DBT_CLOUD_WEBHOOK_SECRET', sign: byDbtCloud },
  paradime: { secretVariable: 'PARADIME_WEBHOOK_SECRET', sign: byParadime },
} as const;

/** No HTTP response arrived. */
class NoResponseError extends OwnError {
  protected static override readonly className = 'NoResponseError';
  readonly code = 'RUNHOOKS_NO_RESPONSE';
}

/** Runs `nestjs-runhooks send` and returns its exit code. */
export async function runSend(line: SendLine, output: Output, errors: Output): Promise<ExitCode> {
  try {
    const received = await post(urlOf(line), webhookOf(line));
    const { httpStatus, status, text } = received;
    if (line.json) output.write(`${JSON.stringify({ kind: 'response', ...received })}\n`);
    else output.write(`${oneLine(`${httpStatus} ${text}`.trim())}\n`);
    if (httpStatus === 200 && (status === 'accepted' || status === 'duplicate')) return EXIT.done;
    if (!line.json) errors.write(`${oneLine(`nestjs-runhooks send: ${remedyFor(received)}`)}\n`);
    return EXIT.failed;
  } catch (error) {
    const { code, message } = failureOf(error);
    if (line.json) output.write(`${JSON.stringify({ kind: 'failed', code, message })}\n`);
    else errors.write(`nestjs-runhooks send: ${message}\n`);
    return error instanceof ConfigurationError ? EXIT.usage : EXIT.failed;
  }
}

function urlOf({ url: text }: SendLine): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new ConfigurationError('<url>', 'expected a URL that begins with http:// or https://');
  }
  if (url.username !== '' || url.password !== '') {
    throw new ConfigurationError(
      '<url>',
      'expected a URL without user and password, got one with them. Providers send neither',
    );
  }
  return url;
}

function webhookOf(line: SendLine): SignedWebhook {
  const { provider = 'dbt-cloud' } = line;
  if (!Object.hasOwn(PROVIDERS, provider)) {
    const names = Object.keys(PROVIDERS).join(' or ');
    throw new ConfigurationError('--provider', `expected ${names}, got ${JSON.stringify(provider)}`);
  }
  const { secretVariable, sign } = PROVIDERS[provider as keyof typeof PROVIDERS];
  const { 'secret-env': variable = secretVariable } = line;
  const secret = process.env[variable];
  if (secret) return sign(line, secret);
  throw new ConfigurationError(
    '--secret-env',
    `expected a secret in the environment variable ${variable}, got none. Set it to the secret of the app, or name another variable`,
  );
}

function byDbtCloud({ event, job, project, run }: SendLine, secret: string): SignedWebhook {
  const data = defined({ jobName: job, projectName: project, runId: run });
  return dbtCloudWebhook({ ...defined({ event: event as DbtCloudTestEvent }), secret, payload: { data } });
}

function byParadime({ event, job, project, run }: SendLine, secret: string): SignedWebhook {
  const payload = {
    ...defined({ schedule_name: job, id: run === undefined ? undefined : integerOf(run) }),
    schedule: defined({ name: job }),
    workspace: defined({ name: project }),
  };
  // The app accepts other secrets only as `{ utf8: … }`.
  const isEncoded = /^wh(?:sec|pk)_/.test(secret) || /^(?:[\w+/-]{4})*[\w+/-]{2,4}={0,2}$/.test(secret);
  const options = { secret: isEncoded ? secret : { utf8: secret }, payload };
  return paradimeWebhook({ ...defined({ event: event as ParadimeTestEvent }), ...options });
}

function integerOf(run: string): number {
  if (/^\d{1,15}$/.test(run)) return Number(run);
  throw new ConfigurationError('--run', `expected an integer, as in ids of Paradime, got ${JSON.stringify(run)}`);
}

/** Returns the fields that have a value. */
function defined<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
}

/** The response to a webhook. */
interface Received {
  readonly httpStatus: number;
  /** Status in the body of a response of Runhooks. */
  readonly status?: string;
  /** A response of Runhooks in one line, or the beginning of another body. */
  readonly text: string;
  /** Id of the stored message. */
  readonly messageId?: string;
  /** Target of a redirect. */
  readonly location?: string;
}

async function post(url: URL, { headers, text }: SignedWebhook): Promise<Received> {
  const options = { method: 'POST', headers, body: text, signal: AbortSignal.timeout(LIMITS.responseMs) };
  try {
    // Providers do not follow redirects.
    const response = await fetch(url, { ...options, redirect: 'manual' });
    const location = response.headers.get('location');
    const content = contentOf(await beginningOf(response));
    return { httpStatus: response.status, ...content, ...(location !== null && { location }) };
  } catch (error) {
    throw new NoResponseError(`${url.host} sent no HTTP response: ${reasonOf(error)}. ${REMEDY}`, { cause: error });
  }
}

const REMEDY = 'Check that the app is running on this host and port, and without TLS if the URL begins with http://';

/** Returns the beginning of the body. The response may be of another server, and of any length. */
async function beginningOf(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true });
    if (text.length > LIMITS.responseCharsMax) break;
  }
  return text;
}

/** Parses a body of Runhooks, `{ status, message, id? }`. Other bodies are shortened. */
function contentOf(body: string): Pick<Received, 'status' | 'text' | 'messageId'> {
  const { status, message, id } = fieldsOf(body);
  if (typeof status !== 'string' || typeof message !== 'string')
    return { text: body.slice(0, LIMITS.responseCharsShown) };
  return typeof id === 'string'
    ? { status, text: `${status} ${id}`, messageId: id }
    : { status, text: `${status}: ${message}` };
}

function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(body)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

function remedyFor({ httpStatus, status, location }: Received): string {
  if (location !== undefined) return `the URL redirects to ${location}. Send to that URL`;
  if (status === 'missing-header') {
    return 'the source expects the signature in another header. Check that --provider is the provider of the source';
  }
  if (httpStatus === 401) return 'the app has another secret, or the body was modified in transit';
  if (httpStatus === 404) return 'no source has this path. The app logs its paths at startup';
  if (status === undefined) return 'the response is not from Runhooks. Check port and path';
  return 'the log of the app has the reason';
}

/** Returns the reason of an error. The message of `fetch` is only "fetch failed"; its cause has the reason. */
function reasonOf(error: unknown): string {
  const { cause, message } = Object(error) as { cause?: { code?: unknown; message?: unknown }; message?: unknown };
  return String(cause?.code ?? cause?.message ?? message ?? error);
}
