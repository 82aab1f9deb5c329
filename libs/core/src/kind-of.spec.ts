import { describe, expect, it } from '@jest/globals';
import { kindOf } from './kind-of.js';

class Config {}

describe('kindOf', () => {
  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['false', false],
    ['a number', 4711],
    ['an empty string', ''],
    ['a string', 'secret'],
    ['an array', ['secret']],
    ['an object', { secret: 'secret' }],
    ['an object', Object.create(null)],
    ['a Promise', Promise.resolve('secret')],
    ['the function Config', Config],
    ['a function', () => 'secret'],
    ['a symbol', Symbol('secret')],
  ])('returns "%s" for a value of that kind', (kind, value) => {
    expect(kindOf(value)).toBe(kind);
  });
});
