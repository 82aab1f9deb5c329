import type { Bench } from './bench.js';
import type { ContenderName } from './contenders/contenders.js';
import { ratio, type Figure } from './figures.js';
import type { Line } from './findings.js';
import { lineOf } from './line-of.js';
import { race, type Entrant, type Sample } from './samples.js';
import type { TargetKey } from './targets.js';

/** The contender of a numerator and that of a denominator. */
export type Pair = readonly [over: ContenderName, under: ContenderName];

/** Starts the contenders that can run here. Returns them, and a note for each that cannot. */
export async function startAll(
  bench: Bench,
  wanted: readonly (Omit<Entrant, 'contender'> & { readonly name: ContenderName })[],
): Promise<{ readonly entrants: Entrant[]; readonly notes: string[] }> {
  const absences = wanted.map(({ name }) => [name, bench.absenceOf(name)] as const);
  const notes = absences.flatMap(([name, reason]) => (reason === undefined ? [] : [`${name} was skipped: ${reason}.`]));
  const present = wanted.filter(({ name }) => bench.absenceOf(name) === undefined);
  const entrants = await Promise.all(
    present.map(async ({ name, ...rest }): Promise<Entrant> => ({ contender: await bench.start(name), ...rest })),
  );
  return { entrants, notes };
}

/** The results of a race, for ratios between two contenders. */
export class Compared {
  readonly #samples: ReadonlyMap<Entrant, readonly Sample[]>;

  private constructor(samples: ReadonlyMap<Entrant, readonly Sample[]>) {
    this.#samples = samples;
  }

  static async inRace(...args: Parameters<typeof race>): Promise<Compared> {
    return new Compared(await race(...args));
  }

  get lines(): Line[] {
    return [...this.#samples].map(([entrant, samples]) => lineOf(entrant, samples));
  }

  /** Returns a value of each round of a contender, or undefined if the contender did not take part. */
  of(name: ContenderName, value: (sample: Sample) => number = perSecond): number[] | undefined {
    const found = [...this.#samples].find(([{ contender }]) => contender.name === name);
    return found?.[1].map(value);
  }

  /** Returns the ratios under their keys, without those of contenders that did not take part. */
  ratios(
    pairs: Partial<Record<TargetKey, Pair>>,
    value: (sample: Sample) => number = perSecond,
  ): Partial<Record<TargetKey, Figure>> {
    const found = Object.entries(pairs).flatMap(([key, [over, under]]) => {
      const [overs, unders] = [this.of(over, value), this.of(under, value)];
      return overs && unders ? [[key, ratio(overs, unders)] as const] : [];
    });
    return Object.fromEntries(found);
  }
}

function perSecond(sample: Sample): number {
  return sample.perSecond;
}
