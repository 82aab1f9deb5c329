import { describe, expect, it } from '@jest/globals';
import { nodeNameOf } from './node-name.js';

describe('nodeNameOf', () => {
  it.each([
    ['model.shop.orders', 'model', 'orders', 'shop'],
    ['model.shop.orders.v2', 'model', 'orders.v2', 'shop'],
    ['test.shop.unique_orders_id.fed79b3a6e', 'test', 'unique_orders_id', 'shop'],
    ['test.shop.orders_are_paid', 'test', 'orders_are_paid', 'shop'],
    ['test.shop.fed79b3a6e', 'test', 'fed79b3a6e', 'shop'],
    ['unit_test.shop.stg_orders.is_complete', 'unit_test', 'stg_orders.is_complete', 'shop'],
    ['source.shop.raw.orders', 'source', 'raw.orders', 'shop'],
    ['snapshot.shop.orders_snapshot', 'snapshot', 'orders_snapshot', 'shop'],
    ['seed.shop.countries', 'seed', 'countries', 'shop'],
    ['exposure.shop.weekly_report', 'exposure', 'weekly_report', 'shop'],
    ['operation.shop.shop-on-run-end-0', 'operation', 'shop-on-run-end-0', 'shop'],
    ['macro.dbt_utils.grant_all', 'operation', 'grant_all', 'dbt_utils'],
    ['saved_query.shop.revenue', 'saved_query', 'revenue', 'shop'],
    ['other.shop.thing', 'other', 'thing', 'shop'],
    ['__proto__.shop.thing', 'other', 'thing', 'shop'],
    ['model.orders', 'model', 'orders', undefined],
    ['orders', 'other', 'orders', undefined],
    ['model.', 'model', 'model.', undefined],
    ['model..orders', 'model', 'orders', undefined],
  ])('reads %s', (uniqueId, kind, name, packageName) => {
    expect(nodeNameOf(uniqueId)).toEqual({ uniqueId, kind, name, ...(packageName && { package: packageName }) });
  });
});
