/**
 * The y of every point whose order divides 8, without the sign of x, in every encoding that implementations accept,
 * including encodings at or above the prime. Solved from the curve's equation; libsodium rejects the same points
 * (`ge25519_has_small_order`).
 */
const SMALL_ORDER_Y = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];

/**
 * Returns whether an ed25519 public key is a point of small order. Node's `verify` accepts such keys. For each of them,
 * everyone can find a signature of at least one message in eight without a private key.
 */
export function isSmallOrderKey(key: Uint8Array): boolean {
  const y = Buffer.from(key);
  // The highest bit is the sign of x.
  y.writeUInt8(y.readUInt8(y.length - 1) & 0x7f, y.length - 1);
  return SMALL_ORDER_Y.includes(y.toString('hex'));
}
