/** Decimal strings of dollars: exact arithmetic for what is read, floating point only for what is drawn. */

const PICO_DIGITS = 12;

/** Dollars as a whole number of pico-dollars; null stays null, because unknown is not zero. */
export function pico(text: string | null): bigint | null {
  if (text === null) return null;
  const match = /^([-+]?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) return null;
  const [, sign, whole = "0", fraction = ""] = match;
  const digits = BigInt(whole + fraction.slice(0, PICO_DIGITS).padEnd(PICO_DIGITS, "0"));
  return sign === "-" ? -digits : digits;
}

export function decimal(amount: bigint): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(PICO_DIGITS + 1, "0");
  const fraction = digits.slice(-PICO_DIGITS).replace(/0+$/, "");
  return (amount < 0n ? "-" : "") + digits.slice(0, -PICO_DIGITS) + (fraction && `.${fraction}`);
}

/** The exact sum of the known amounts, or null when none is known. */
export function sum(amounts: readonly (string | null)[]): string | null {
  const known = amounts.map(pico).filter((each) => each !== null);
  return known.length ? decimal(known.reduce((a, b) => a + b, 0n)) : null;
}

export function minus(a: string | null, b: string | null): string | null {
  const [left, right] = [pico(a), pico(b)];
  return left === null ? null : decimal(left - (right ?? 0n));
}

/** For drawing and for shares only. */
export function float(text: string | null | undefined): number | null {
  return text === null || text === undefined ? null : Number(text);
}
