import { hostileBody, realBody } from './bodies.js';
import type { FuzzCase } from './fuzz-case.js';
import { abusedHead, badFraming } from './odd-fields.js';
import { badTransport, broken, cutOff, elsewhere } from './odd-requests.js';
import { noProof, proof, type Fields } from './proofs.js';
import type { Random } from './random.js';
import { TARGETS, type Target } from './targets.js';
import { requestOf, sentWell } from './wire.js';

type Made = Omit<FuzzCase, 'kind'>;

interface Sent {
  readonly target: Target;
  readonly fields: Fields;
  readonly body: Buffer;
}

const SENT_KEPT = 50;

/** Creates requests one after the other; the same seed creates the same ones. */
export class CaseSource {
  readonly #random: Random;
  /** Accepted requests, to be sent again. */
  readonly #sent: Sent[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  next(): FuzzCase {
    const random = this.#random;
    const target = random.pick(TARGETS);
    const [kind, make] = random.weighted<[string, () => Made]>([
      [40, ['proven', () => this.#proven(target)]],
      [5, ['again', () => this.#again()]],
      [16, ['unproven', () => this.#unproven(target)]],
      [5, ['pipelined', () => this.#pipelined()]],
      [7, ['transport', () => badTransport(random, target)]],
      [4, ['cut off', () => cutOff(random)]],
      [6, ['broken', () => broken(random)]],
      [4, ['elsewhere', () => elsewhere(random, target)]],
      [8, ['head', () => abusedHead(random)]],
      [5, ['framing', () => badFraming(random)]],
    ]);
    return { kind, ...make() };
  }

  #proven(target: Target): Made {
    const random = this.#random;
    const body = hostileBody(random, target.family, target.bodyBytesMax);
    const fields = proof(random, target, body);
    if (body.length < 10_000) this.#sent.push({ target, fields, body });
    if (this.#sent.length > SENT_KEPT) this.#sent.shift();
    return this.#accepted({ target, fields, body });
  }

  #again(): Made {
    return this.#sent.length === 0
      ? this.#unproven(this.#random.pick(TARGETS))
      : this.#accepted(this.#random.pick(this.#sent));
  }

  #accepted({ target, fields, body }: Sent): Made {
    const steps = sentWell(this.#random, target.path, fields, body);
    return { steps, statuses: [200], proven: [{ source: target.name, body }] };
  }

  #unproven(target: Target): Made {
    const random = this.#random;
    const body = hostileBody(random, target.family, target.bodyBytesMax);
    const steps = sentWell(random, target.path, noProof(random, target, body), body);
    return { steps, statuses: [401], proven: [] };
  }

  /** Several requests at once on one connection, whose responses come in order. */
  #pipelined(): Made {
    const random = this.#random;
    const requests = Array.from({ length: random.between(2, 6) }, () => {
      const target = random.pick(TARGETS);
      const body = realBody(random, target.family);
      const isProven = random.chance(0.6);
      const fields = (isProven ? proof : noProof)(random, target, body);
      return { write: requestOf(target.path, fields, body), isProven, source: target.name, body };
    });
    return {
      steps: [{ write: Buffer.concat(requests.map(({ write }) => write)) }],
      statuses: requests.map(({ isProven }) => (isProven ? 200 : 401)),
      proven: requests.filter(({ isProven }) => isProven),
    };
  }
}
