/**
 * The y of every point whose order divides 8, each way that implementations read it, also those at or above the prime;
 * the sign of x is not in it. The same list as in libsodium (`ge25519_has_small_order`) and in "Taming the Many EdDSAs"
 * (https://eprint.iacr.org/2020/1244, table 6).
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
 * Whether an ed25519 public key is a point of small order. Node's `verify` takes such keys, and for each of them anyone
 * can find a signature of one message in eight at least, without a private key.
 */
export function isSmallOrderKey(key: Uint8Array): boolean {
  const y = Buffer.from(key);
  // The highest bit is the sign of x.
  y.writeUInt8(y.readUInt8(y.length - 1) & 0x7f, y.length - 1);
  return SMALL_ORDER_Y.includes(y.toString('hex'));
}
