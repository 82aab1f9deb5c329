/** https://sqlite.org/walformat.html */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;
const VERSION = 3_007_000;

/**
 * Returns why SQLite would silently skip committed transactions in this write-ahead log, or `undefined` if it would
 * not.
 *
 * SQLite applies frames up to the first one whose checksum does not match: it expects only remains of the last
 * transaction before a crash, or of an earlier log, after that. If two commits follow, the frame was not part of the
 * last transaction, because the second commit began only after the first was synchronized to the disk.
 */
export function walProblem(bytes: Buffer, pageBytes: number): string | undefined {
  if (bytes.length < HEADER_BYTES || isUnwritten(bytes)) return undefined;
  const magic = bytes.readUInt32BE(0);
  if ((magic & ~1) >>> 0 !== MAGIC) return 'it is not a write-ahead log of SQLite';
  const version = bytes.readUInt32BE(4);
  if (version !== VERSION) return `expected format ${VERSION}, got ${version}`;
  const sum = sumFunction((magic & 1) === 1);
  if (!sum([0, 0], bytes, 0, HEADER_BYTES - 8).every((word, index) => word === bytes.readUInt32BE(24 + 4 * index))) {
    return 'its header is damaged';
  }
  const found = bytes.readUInt32BE(8);
  if (found !== pageBytes) return `it belongs to another database: expected pages of ${pageBytes} bytes, got ${found}`;
  return commitsBehindDamage(bytes, pageBytes, sum) ? 'a committed part of it is damaged' : undefined;
}

type Sums = readonly [number, number];
type Sum = (start: Sums, bytes: Buffer, from: number, to: number) => Sums;

/** After a power cut a log may have its length but no content. */
function isUnwritten(bytes: Buffer): boolean {
  return bytes.subarray(0, HEADER_BYTES + FRAME_HEADER_BYTES).every((byte) => byte === 0);
}

function commitsBehindDamage(bytes: Buffer, pageBytes: number, sum: Sum): boolean {
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  let before: Sums = [bytes.readUInt32BE(24), bytes.readUInt32BE(28)];
  let isDamaged = false;
  let commits = 0;
  for (let at = HEADER_BYTES; at + frameBytes <= bytes.length; at += frameBytes) {
    const isOfThisLog = bytes.compare(bytes, 16, 24, at + 8, at + 16) === 0;
    const stored: Sums = [bytes.readUInt32BE(at + 16), bytes.readUInt32BE(at + 20)];
    const page = sum(sum(before, bytes, at, at + 8), bytes, at + FRAME_HEADER_BYTES, at + frameBytes);
    const fits = isOfThisLog && page[0] === stored[0] && page[1] === stored[1];
    if (!fits) {
      isDamaged = true;
      commits = 0;
    } else if (isDamaged && bytes.readUInt32BE(at + 4) !== 0) {
      commits += 1;
      if (commits === 2) return true;
    }
    // The stored checksum, even if the frame is damaged: the next frame continues it.
    before = stored;
  }
  return false;
}

function sumFunction(isBigEndian: boolean): Sum {
  return ([first, second], bytes, from, to) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = from; at < to; at += 8) {
      first = (first + view.getUint32(at, !isBigEndian) + second) >>> 0;
      second = (second + view.getUint32(at + 4, !isBigEndian) + first) >>> 0;
    }
    return [first, second];
  };
}
