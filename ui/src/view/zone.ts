/** Moments and the wall clocks of IANA zones. A wall is a Date whose UTC fields are what the clock shows. */
const formats = new Map<string, Intl.DateTimeFormat>();
const DAY_MS = 86_400_000;

/** What the clock of `zone` shows at a moment, to the second. */
export function wall(at: Date, zone: string): Date {
  if (zone === "UTC") return at;
  const known =
    formats.get(zone) ??
    new Intl.DateTimeFormat("sv-SE", {
      timeZone: zone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
  formats.set(zone, known);
  return new Date(`${known.format(at).replace(" ", "T")}Z`);
}

const ahead = (at: number, zone: string) => wall(new Date(at), zone).getTime() - Math.floor(at / 1000) * 1000;

/**
 * The moment at which the clock of `zone` shows `shown`: the first of two where it is put back, and where it is put
 * forward over `shown`, as if it had not been. So a day without a midnight begins with the change, as in the ledger.
 */
export function unwall(shown: Date, zone: string): Date {
  const as = shown.getTime();
  const [before, after] = [ahead(as - DAY_MS, zone), ahead(as + DAY_MS, zone)];
  const late = ahead(as - before, zone) !== before && ahead(as - after, zone) === after;
  return new Date(as - (late ? after : before));
}
