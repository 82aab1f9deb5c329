import { defined } from '../defined.js';
import { NODE_KINDS, type NodeKind, type NodeName } from './node-result.js';

/** Digest that dbt adds to the id of a generic test. */
const TEST_DIGEST = /^[0-9a-f]{10}$/;

/**
 * Returns the identity of a node from its `unique_id`, `<kind>.<package>.<name>`. The name of a generic test has no digest; that of
 * a source table begins with its source, that of a unit test with its model.
 *
 * @example
 * nodeNameOf('test.shop.unique_orders_id.fed79b3a6e').name; // unique_orders_id
 */
export function nodeNameOf(uniqueId: string): NodeName {
  const [prefix = '', owner, ...parts] = uniqueId.split('.');
  const kind = kindOf(prefix);
  const isGeneric = kind === 'test' && parts.length > 1 && TEST_DIGEST.test(parts.at(-1) ?? '');
  const name = (isGeneric ? parts.slice(0, -1) : parts).join('.');
  return {
    uniqueId,
    kind,
    name: name === '' ? uniqueId : name,
    ...defined({ package: name === '' ? undefined : owner }),
  };
}

function kindOf(prefix: string): NodeKind {
  return (NODE_KINDS as readonly string[]).includes(prefix) ? (prefix as NodeKind) : 'other';
}
