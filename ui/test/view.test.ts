import { describe, expect, it } from "vitest";
import {
  BY,
  DEFAULT_VIEW,
  DIMENSIONS,
  EXPLORED,
  MEASURES,
  ORDERS,
  ROLES,
  formatView,
  isLeftOut,
  parseView,
  SORTS,
  WHO,
  withToggled,
  type View,
} from "../src/view/view";

/** A small repeatable random source (mulberry32), so that a failure can be run again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const VALUES = ["", "gpt-5.4", "a b", "ü/ß", "x&y=z", "50%", "team:search", "+1", "日本"];
const RANGES = [
  ["now-30d", "now"],
  ["now-24h", "now"],
  ["now/M", "now"],
  ["2026-11-01T00:00:00Z", "2026-11-02T06:00:00Z"],
];

function anyView(seed: number): View {
  const next = random(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  const [from, to] = pick(RANGES) as [string, string];
  const filters = Array.from({ length: Math.floor(next() * 5) }, () => ({
    key: pick([...DIMENSIONS, "tag.tier"]),
    value: pick(VALUES),
    exclude: next() < 0.4,
  }));
  return {
    from,
    to,
    tz: pick(["UTC", "Asia/Kathmandu", "Europe/Berlin"]),
    compare: pick(["prev", "none"]),
    by: pick(BY),
    who: pick(WHO),
    bucket: pick(["auto", "1h", "1d"]),
    sort: pick(["", "-"]) + pick(SORTS),
    order: pick(ORDERS),
    role: pick(ROLES),
    measure: pick(MEASURES),
    across: pick(EXPLORED),
    down: pick(EXPLORED),
    filters,
  };
}

describe("links", () => {
  it("carry every view there and back, and equal views have equal links", () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const view = anyView(seed);
      const link = formatView(view);
      const again = parseView(link);
      expect(formatView(again), link).toBe(link);
      expect(again).toMatchObject({ ...view, filters: expect.anything() });
      const keys = (each: View) => new Set(each.filters.map((filter) => JSON.stringify(filter)));
      expect(keys(again), link).toEqual(keys(view));
      expect(formatView({ ...view, filters: [...view.filters].reverse() })).toBe(link);
    }
  });

  it("leave out what is default, and keep a relative range relative", () => {
    expect(formatView(DEFAULT_VIEW)).toBe("");
    expect(
      formatView({ ...DEFAULT_VIEW, from: "now-7d", filters: [{ key: "model", value: "o3", exclude: true }] }),
    ).toBe("?from=now-7d&f.model=%21o3");
  });

  it("fall back to the defaults where they are not understood", () => {
    expect(parseView("?from=gestern&tz=Mars/Olympus&by=colour&sort=-taste&compare=x&bucket=5m")).toEqual(DEFAULT_VIEW);
  });
});

describe("clicking a value", () => {
  const click = (search: string, value: string | null, how: "only" | "add" | "exclude") =>
    formatView(withToggled(parseView(search), "model", value, how));

  it("chooses it alone, and none on the second click", () => {
    expect(click("", "o3", "only")).toBe("?f.model=o3");
    expect(click("?f.model=gpt-5", "o3", "only")).toBe("?f.model=o3");
    expect(click("?f.model=o3", "o3", "only")).toBe("");
    expect(click("?f.team=x&f.model=gpt-5&f.model=o3", "o3", "only")).toBe("?f.model=o3&f.team=x");
  });

  it("adds with shift and leaves out with alt", () => {
    expect(click("?f.model=gpt-5", "o3", "add")).toBe("?f.model=gpt-5&f.model=o3");
    expect(click("?f.model=gpt-5&f.model=o3", "o3", "add")).toBe("?f.model=gpt-5");
    expect(click("?f.model=gpt-5", "o3", "exclude")).toBe("?f.model=%21o3&f.model=gpt-5");
    expect(click("?f.model=%21o3", "o3", "exclude")).toBe("");
  });

  it("writes not set as an empty value", () => {
    expect(click("", null, "only")).toBe("?f.model=");
    expect(isLeftOut(parseView("?f.model="), "model", null)).toBe(false);
    expect(isLeftOut(parseView("?f.model="), "model", "o3")).toBe(true);
  });
});
