import { jsonResponse, type FakeResponse } from '../loopback-server.js';

/** A call that dbt Cloud refuses. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    /** Text for the user, as in `status.user_message`. */
    readonly userMessage: string,
    /** Hint for the author of a test: what the fake expected. */
    readonly hint = '',
  ) {
    super(userMessage);
  }

  /** Returns the response of the v2 API: an envelope without data. */
  toResponse(): FakeResponse {
    const { status: code, userMessage, hint } = this;
    return jsonResponse(code, { data: null, status: statusOf(code, userMessage, hint) });
  }
}

/** Returns a refusal that may also mean that the token lacks a right. dbt Cloud does not distinguish the two. */
export function notFound(hint = ''): Refused {
  const message = 'The requested resource was not found. Please check that you have the proper permissions.';
  return new Refused(404, message, hint);
}

/** Returns the `status` of an envelope. */
export function statusOf(code: number, userMessage: string, developerMessage = ''): object {
  return { code, is_success: code < 400, user_message: userMessage, developer_message: developerMessage };
}
