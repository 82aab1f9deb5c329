import { randomKsuid } from '../../webhooks/random-ids.js';
import { FAKE_LIMITS } from '../../limits.js';
import { jsonResponse, type FakeResponse } from '../loopback-server.js';
import type { DbtAccount } from './dbt-account.js';
import type { Route } from './dbt-routes.js';
import {
  MESSAGE_TYPES,
  type DbtSubscription,
  type SubscriptionEvent,
  type SubscriptionFields,
} from './dbt-subscription.js';
import type { FakeDbtMessageType } from './fake-dbt-subscription.js';
import { PAGE, parseParameters } from './parameters.js';
import { Refused } from './refused.js';
import { objectOf } from './run-routes.js';

const RIGHTS = ['webhooks'] as const;
const ONE = 'v3/webhooks/subscription/{}';

/** Routes of webhook subscriptions. Unlike all others, their paths have no slash at the end. */
export const SUBSCRIPTION_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: 'v3/webhooks/subscriptions',
    rights: RIGHTS,
    respond: ({ account, request }) => {
      const { limit = FAKE_LIMITS.dbtSubscriptionsPage, offset = 0 } = parseParameters(request.query, PAGE);
      const all = [...account.subscriptions.values()];
      return list(
        all.slice(offset, offset + limit).map((one) => one.toJson()),
        all.length,
        { limit, offset },
      );
    },
  },
  {
    method: 'POST',
    path: 'v3/webhooks/subscriptions',
    rights: RIGHTS,
    respond: ({ account, request }) => {
      const { fields, active } = readFields(request.body);
      const created = account.addSubscription(fields, randomKsuid('secret'));
      if (!active) created.deactivate('');
      return jsonResponse(201, { data: { ...created.toJson(), hmac_secret: created.secret }, status: { code: 201 } });
    },
  },
  {
    method: 'GET',
    path: ONE,
    rights: RIGHTS,
    respond: ({ account, parts: [id] }) => one(subscriptionOf(account, id).toJson()),
  },
  {
    method: 'PUT',
    path: ONE,
    rights: RIGHTS,
    respond: ({ account, request, parts: [id] }) => {
      const subscription = subscriptionOf(account, id);
      const { fields, active } = readFields(request.body);
      subscription.update(fields, active);
      return one(subscription.toJson());
    },
  },
  {
    method: 'DELETE',
    path: ONE,
    rights: RIGHTS,
    respond: ({ account, parts: [id] }) => {
      const subscription = subscriptionOf(account, id);
      subscription.delete();
      return jsonResponse(200, { data: { id: subscription.id }, status: { code: 200, is_success: true } });
    },
  },
  {
    method: 'GET',
    path: `${ONE}/test`,
    rights: RIGHTS,
    respond: ({ account, parts: [id] }) => one({ event_id: account.test(subscriptionOf(account, id)) }),
  },
  {
    method: 'GET',
    path: `${ONE}/events`,
    rights: RIGHTS,
    respond: ({ account, parts: [id] }) => {
      const subscription = subscriptionOf(account, id);
      const shown = subscription.events.map((event) => subscription.eventJson(event));
      return list(shown, shown.length, { limit: shown.length, offset: 0 });
    },
  },
  {
    method: 'GET',
    path: `${ONE}/event/{}/receipt`,
    rights: RIGHTS,
    respond: ({ account, parts: [id, eventId] }) => {
      const subscription = subscriptionOf(account, id);
      return one(subscription.receiptsJson(eventOf(subscription, eventId)));
    },
  },
];

/** Returns a response with the short `status` of the webhooks API. */
function one(data: unknown): FakeResponse {
  return jsonResponse(200, { data, status: { code: 200 } });
}

function list(data: readonly unknown[], total: number, filters: object): FakeResponse {
  const pagination = { total_count: total, count: data.length };
  return jsonResponse(200, { data, status: { code: 200 }, extra: { pagination, filters } });
}

function subscriptionOf({ subscriptions }: DbtAccount, id = ''): DbtSubscription {
  const subscription = subscriptions.get(id);
  if (subscription === undefined) throw new Refused(404, 'Subscription not found.');
  return subscription;
}

function eventOf({ events }: DbtSubscription, id: string | undefined): SubscriptionEvent {
  const event = events.find((one) => one.id === id);
  if (event === undefined) throw new Refused(404, 'Event not found.');
  return event;
}

/** Reads the whole object, which every change replaces. */
function readFields(body: string): { fields: SubscriptionFields; active: boolean } {
  const { name, description, client_url: url, event_types: types, active, job_ids: jobs = [] } = objectOf(body);
  if (typeof name !== 'string' || name === '') throw new Refused(400, 'name: This field is required.');
  if (description === '') throw new Refused(400, 'description: This field may not be blank.');
  if (typeof url !== 'string' || !URL.canParse(url)) throw new Refused(400, 'client_url: Enter a valid URL.');
  if (typeof active !== 'boolean') throw new Refused(400, 'active: This field is required.');
  if (!isFilled(types) || !types.every(isMessageType)) {
    const hint = `event_types: expected some of ${MESSAGE_TYPES.join(', ')}`;
    throw new Refused(400, 'event_types: This field is required.', hint);
  }
  if (!Array.isArray(jobs) || !jobs.every((id) => Number.isSafeInteger(id))) {
    throw new Refused(400, 'job_ids: Enter a list of integers.');
  }
  return {
    fields: {
      name,
      description: typeof description === 'string' ? description : '',
      url,
      types,
      jobIds: jobs.map(String),
    },
    active,
  };
}

function isMessageType(value: unknown): value is FakeDbtMessageType {
  return MESSAGE_TYPES.some((type) => type === value);
}

function isFilled(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0;
}
