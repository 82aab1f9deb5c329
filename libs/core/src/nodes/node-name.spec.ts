import { describe, expect, it } from '@jest/globals';
import { nodeNameOf } from './node-name.js';

describe('nodeNameOf', () => {
  it.each([
    ['model.shop.orders', 'model', 'orders', 'shop'],
    ['model.shop.orders.v2', 'model', 'orders.v2', 'shop'],
    ['test.shop.unique_orders_id.fed79b3a6e', 'test', 'unique_orders_id', 'shop'],
    ['test.shop.orders_are_positive', 'test', 'orders_are_positive', 'shop'],
    ['unit_test.shop.orders.adds_tax', 'unit_test', 'orders.adds_tax', 'shop'],
    ['source.shop.raw.orders', 'source', 'raw.orders', 'shop'],
    ['operation.shop.shop-on-run-end-0', 'operation', 'shop-on-run-end-0', 'shop'],
    ['metric.shop.revenue', 'other', 'revenue', 'shop'],
  ])('reads %s', (uniqueId, kind, name, owner) => {
    expect(nodeNameOf(uniqueId)).toEqual({ uniqueId, kind, name, package: owner });
  });

  it.each(['', 'orders', 'model.shop', 'model..'])('uses the id %j as name if it has no name', (uniqueId) => {
    expect(nodeNameOf(uniqueId)).toEqual({
      uniqueId,
      kind: uniqueId.startsWith('model') ? 'model' : 'other',
      name: uniqueId,
    });
  });
});
