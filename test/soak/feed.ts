import { dbtCloudWebhook, signDbtCloud, type SignedWebhook } from 'nestjs-runhooks/testing';

const EVENTS = ['started', 'succeeded'] as const;

/** Webhooks of one run after the other, two of each; cheap to make, so that the soak is not about making them. */
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
