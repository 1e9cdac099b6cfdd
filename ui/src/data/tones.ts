/** Which hue a series wears: by its rank when first seen, kept for the whole visit, also when filtered. */

export const TONES = 6;
const worn = new Map<string, number>();

/** Tone classes (`tone-1` ... `tone-6`, `tone-other`) of the ranked values of a dimension. */
export function tones(dimension: string, ranked: readonly (string | null)[]): Map<string | null, string> {
  const result = new Map<string | null, string>();
  const top = ranked.slice(0, TONES);
  const taken = new Set(top.map((value) => worn.get(`${dimension}:${value}`)));
  for (const value of top) {
    const key = `${dimension}:${value}`;
    let tone = worn.get(key);
    if (tone === undefined) {
      tone = [1, 2, 3, 4, 5, 6].find((each) => !taken.has(each)) ?? 0;
      taken.add(tone);
      worn.set(key, tone);
    }
    result.set(value, `tone-${tone}`);
  }
  for (const value of ranked.slice(TONES)) result.set(value, "tone-other");
  return result;
}
