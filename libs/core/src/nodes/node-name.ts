import { defined } from '../defined.js';
import { NODE_KINDS, type NodeKind, type NodeName } from './node-result.js';

const KINDS: ReadonlyMap<string, NodeKind> = new Map([
  ...NODE_KINDS.filter((kind) => kind !== 'other').map((kind) => [kind, kind] as const),
  // `dbt run-operation` reports the macro that it ran.
  ['macro', 'operation'],
]);

/** dbt adds the beginning of a hash to the names of generic tests. */
const testHash = /^[0-9a-f]{10}$/;

/**
 * Returns the parts of a `unique_id`: `<kind>.<package>.<name>`. Names can have dots: `raw.orders` is a table of a source,
 * `stg_orders.is_complete` a unit test of a model, and `orders.v2` a version of a model.
 */
export function nodeNameOf(uniqueId: string): NodeName {
  const [prefix = '', ...rest] = uniqueId.split('.');
  const kind = KINDS.get(prefix) ?? 'other';
  const [packageName, ...names] = rest.length > 1 ? rest : [undefined, ...rest];
  if (kind === 'test' && names.length > 1 && testHash.test(names.at(-1) ?? '')) names.pop();
  const name = names.join('.');
  return { uniqueId, kind, name: name === '' ? uniqueId : name, ...defined({ package: packageName || undefined }) };
}
