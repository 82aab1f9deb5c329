import { dbtCloudWebhook, signDbtCloud, type SignedWebhook } from 'nestjs-runhooks/testing';

const EVENTS = ['started', 'succeeded'] as const;

/**
 * Creates webhooks of one run after the other, two of each. They are cheap to create, so that the soak does not measure
 * their creation.
 */
export class Feed {
  readonly #templates = EVENTS.map((event) =>
    dbtCloudWebhook({ event, payload: { eventId: '<event>', data: { runId: '<run>' } } }).body.toString('utf8'),
  );
  #sent = 0;

  next(): SignedWebhook {
    const run = String(Math.floor(this.#sent / EVENTS.length) + 1);
    const template = this.#templates[this.#sent % EVENTS.length] ?? '';
    this.#sent += 1;
    return signDbtCloud(template.replace('<event>', `wev_${this.#sent}`).replace('<run>', run));
  }
}
