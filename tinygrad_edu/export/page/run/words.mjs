// Words: what `words.py` has packed, a record and the arrays of numbers that it speaks of.

/** The bytes of a packed text. */
export async function unpacked(text) {
  const packed = Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The record of a packed text, its arrays in their places: {words: [start, length]}. */
export async function recordOf(text) {
  const { buffer } = await unpacked(text);
  const length = Number(new BigUint64Array(buffer, 0, 1)[0]);
  const header = new TextDecoder().decode(new Uint8Array(buffer, 8, length));
  return JSON.parse(header, (_, value) => (
    Array.isArray(value?.words) ? new Float64Array(buffer, 8 + length + 8 * value.words[0], value.words[1]) : value
  ));
}
